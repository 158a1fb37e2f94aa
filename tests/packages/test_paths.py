from __future__ import annotations

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.packages.paths import path_inside, target_inside

PART = st.sampled_from(["a", "b", "..", ".", "", "c d", "...", "-x", "~"])
PATH = st.lists(PART, min_size=1, max_size=6).map("/".join)


@pytest.mark.parametrize(
    ("name", "strip", "path"),
    [
        ("p/a", 0, "p/a"),
        ("p/a", 1, "a"),
        ("./p//a/./b/", 1, "a/b"),
        ("./p", 1, None),
        ("p", 1, None),
        ("p/a", 2, None),
        ("", 0, None),
        (".", 0, None),
        ("p/...", 1, "..."),
        ("p/\\..\\x", 1, "\\..\\x"),
    ],
)
def test_the_path_that_a_member_gets(name: str, strip: int, path: str | None) -> None:
    assert path_inside(name, strip=strip, where="a") == path


def test_a_path_of_exactly_the_bound_is_taken_and_one_byte_more_is_not() -> None:
    exact = ["n" * 255] * 3 + ["n" * 253, "é"]

    assert len("/".join(exact).encode()) == 1_024
    assert path_inside("/".join(exact), strip=0, where="a") == "/".join(exact)
    with pytest.raises(Malformed) as caught:
        path_inside("/".join(exact) + "x", strip=0, where="a")
    assert caught.value.what.endswith("has a path that is too long or too deep")


@pytest.mark.parametrize(
    ("path", "target", "kept"),
    [
        ("l", "a", "a"),
        ("l", "./a//b/", "a/b"),
        ("l", ".", "."),
        ("l", "", "."),
        ("d/l", "..", ".."),
        ("d/l", ".././x", "../x"),
        ("d/e/l", "../../x", "../../x"),
    ],
)
def test_the_target_that_a_link_keeps(path: str, target: str, kept: str) -> None:
    assert target_inside(path, target, where="a") == kept


@pytest.mark.parametrize(
    ("path", "target", "problem"),
    [
        ("l", "/", "is a link to an absolute path"),
        ("l", "..", "is a link that leads outside the archive"),
        ("d/l", "../..", "is a link that leads outside the archive"),
        ("d/l", "x/..", "is a link that leads outside the archive"),
        ("d/e/l", "../x/../../..", "is a link that leads outside the archive"),
        ("l", "n" * 256, "has a path that is too long or too deep"),
        ("l", "a\x7f", "has a control character in its name"),
    ],
)
def test_a_target_that_could_lead_out_is_refused(path: str, target: str, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        target_inside(path, target, where="a")

    assert (caught.value.what, caught.value.where) == (f"the member '{path}' {problem}", "a")


@settings(max_examples=300, deadline=None)
@given(name=PATH, target=PATH)
def test_whatever_is_kept_stays_inside(name: str, target: str) -> None:
    try:
        path = path_inside(name, strip=0, where="a")
        kept = target_inside(path or "l", target, where="a")
    except Malformed:
        return

    reached = posixpath.normpath(posixpath.join("/root", posixpath.dirname(path or "l"), kept))
    assert path is None or posixpath.normpath(posixpath.join("/root", path)).startswith("/root/")
    assert reached == "/root" or reached.startswith("/root/")
