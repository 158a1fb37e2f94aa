from __future__ import annotations

import pytest

from leadtime.doors.web.vendor import STAMP, is_set_up, prune
from leadtime.foundation.errors import Malformed


@pytest.fixture
def tree(tmp_path):
    """An unpacked package with a stylesheet that refers to one font."""
    dist = tmp_path / "tree" / "dist"
    (dist / "css").mkdir(parents=True)
    (dist / "fonts").mkdir()
    (dist / "css" / "uswds.min.css").write_text('a{src:url("../fonts/a.woff2")}b{src:url(data:x)}')
    (dist / "fonts" / "a.woff2").write_bytes(b"font")
    (dist / "fonts" / "unused.ttf").write_bytes(b"font")
    (tmp_path / "tree" / "LICENSE.md").write_text("licence")
    return tmp_path / "tree"


def test_only_what_the_stylesheet_refers_to_is_kept(tree, tmp_path):
    into = tmp_path / "vendor"
    assert prune(tree, into) == 2
    kept = sorted(path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file())
    assert kept == ["LICENSE.md", "css/uswds.min.css", "fonts/a.woff2", STAMP]
    assert is_set_up(into)


def test_another_release_is_not_taken_for_this_one(tree, tmp_path):
    into = tmp_path / "vendor"
    assert not is_set_up(into)
    prune(tree, into)
    (into / STAMP).write_text("pkg:npm/other@1 sha256:00\n")
    assert not is_set_up(into)


@pytest.mark.parametrize("reference", ["../fonts/missing.woff2", "../../LICENSE.md"])
def test_a_reference_to_nothing_or_outside_is_refused(tree, tmp_path, reference):
    (tree / "dist" / "css" / "uswds.min.css").write_text(f"a{{src:url({reference})}}")
    with pytest.raises(Malformed, match="the stylesheet refers to a file that is not there"):
        prune(tree, tmp_path / "vendor")
