"""A unified diff is read strictly and put where its lines stand; what a text diff cannot say is refused."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.ladder import diffs
from leadtime.flow.validation.ladder.diffs import FileDiff, Fit, Hunk, fit, patched, read_patch
from leadtime.foundation.errors import Malformed, Refused

MODIFY = b"""\
From: a maintainer
Subject: read less

--- a/lib/x.c\t2026-01-01 00:00:00
+++ b/lib/x.c
@@ -2,3 +2,2 @@ int main()
 two
-three
-four
+three and four
--\x20
2.39
"""
LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"--- x\n", b"@@ -1 +1 @@\n"]), max_size=30)


def diff_of(old: list[bytes], new: list[bytes], *, context: int) -> bytes:
    return b"".join(difflib.diff_bytes(difflib.unified_diff, old, new, b"a/f", b"b/f", n=context))


def test_a_change_is_read_and_what_stands_around_it_is_not() -> None:
    (file,) = read_patch(MODIFY)

    assert file == FileDiff("b/lib/x.c", (Hunk(2, (b"two\n", b"three\n", b"four\n"), (b"two\n", b"three and four\n")),))
    assert patched(b"one\ntwo\nthree\nfour\nfive\n", file) == b"one\ntwo\nthree and four\nfive\n"


def test_files_are_created_and_deleted() -> None:
    created, deleted = read_patch(
        b"--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+one\n\\ No newline at end of file\n"
        b"--- a/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n"
    )

    assert (created.name, created.creates, created.deletes, patched(b"", created)) == ("b/new.c", True, False, b"one")
    assert (deleted.name, deleted.creates, deleted.deletes, patched(b"one\n", deleted)) == ("a/old.c", False, True, b"")


@given(LINES, LINES, st.integers(0, 4))
def test_the_diff_of_two_texts_makes_one_of_the_other(old: list[bytes], new: list[bytes], context: int) -> None:
    raw = diff_of(old, new, context=context)
    if old != new:
        (file,) = read_patch(raw)
        assert patched(b"".join(old), file) == b"".join(new)


@given(LINES, LINES, LINES)
def test_lines_that_have_moved_are_found(before: list[bytes], old: list[bytes], after: list[bytes]) -> None:
    marked = [*old, b"here\n", *old]
    (file,) = read_patch(diff_of(marked, [*old, b"there\n", *old], context=len(marked)))

    assert patched(b"".join((*before, *marked, *after)), file) == b"".join((*before, *old, b"there\n", *old, *after))


@given(st.binary(max_size=300) | st.lists(st.sampled_from(MODIFY.splitlines(keepends=True))).map(b"".join))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Malformed, Refused):
        assert read_patch(raw)


def test_the_nearest_place_counts_and_hunks_keep_their_order() -> None:
    content = b"x\nsame\nx\nsame\nx\nsame\n"
    second = FileDiff("f", (Hunk(4, (b"same\n",), (b"other\n",)),))
    backwards = FileDiff("f", (Hunk(6, (b"same\n",), (b"last\n",)), Hunk(1, (b"same\n",), (b"first\n",))))

    assert patched(content, second) == b"x\nsame\nx\nother\nx\nsame\n"
    with pytest.raises(Malformed, match=r"^patch: hunk 2 of f has no place in the release"):
        patched(content, backwards)


def test_a_place_is_looked_for_so_far_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "MOVED_LINES_MAX", 2)
    file = FileDiff("f", (Hunk(1, (b"it\n",), (b"its\n",)),))

    assert patched(b"\n\nit\n", file) == b"\n\nits\n"
    with pytest.raises(Malformed, match="hunk 1 of f has no place"):
        patched(b"\n\n\nit\n", file)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda raw: raw.replace(b"@@ -2,3", b"@@ -2;3"), "patch, line 6"),
        (lambda raw: raw.replace(b" two", b"*two"), "patch, line 7"),
        (lambda raw: raw.replace(b"-2,3 ", b"-2,9 "), "patch, line 12"),
        (lambda raw: raw.replace(b"-2,3 +2,2", b"-2,2 +2,3"), "patch, line 9"),
        (
            lambda raw: raw.replace(b"a/lib/x.c\t2026-01-01 00:00:00", b"/dev/null").replace(
                b"b/lib/x.c", b"/dev/null"
            ),
            "patch, line 4",
        ),
        (lambda raw: raw[: raw.index(b"@@")], "patch, line 6"),
        (lambda raw: raw.replace(b"b/lib", b"b/../lib"), "patch, line 5"),
        (lambda raw: raw.replace(b"b/lib", b"/lib"), "patch, line 5"),
        (lambda raw: raw.replace(b"b/lib", b"b/\xff"), "patch, line 5"),
        (lambda raw: raw.replace(b"b/lib", b'"b/lib'), "patch, line 5"),
        (lambda raw: raw.replace(b"b/lib", b"b/" + b"x" * 1000), "patch, line 5"),
        (lambda raw: raw + raw, "patch"),
        (lambda _: b"nothing\n", "patch"),
        (lambda _: b"x" * (diffs.PATCH_BYTES_MAX + 1), "patch"),
    ],
)
def test_what_is_no_diff_is_refused_with_its_line(change: Callable[[bytes], bytes], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_patch(change(MODIFY))

    assert caught.value.where == where


@pytest.mark.parametrize(
    "header",
    [
        b"rename from lib/x.c",
        b"copy to lib/y.c",
        b"GIT binary patch",
        b"Binary files a/x and b/x differ",
        b"new file mode 120000",
        b"deleted file mode 120000",
        b"new mode 104755",
    ],
)
def test_what_a_text_diff_cannot_say_is_refused(header: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_patch(b"diff --git a/lib/x.c b/lib/x.c\n" + header + b"\n" + MODIFY)

    assert caught.value.where == "patch, line 2"
    assert read_patch(b"new file mode 100644\nnew mode 100755\n" + MODIFY) == read_patch(MODIFY)


def test_more_files_or_hunks_than_the_bounds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    two = MODIFY.replace(b"\n--\x20\n", b"\n@@ -9 +8 @@\n-x\n+y\n--\x20\n")
    monkeypatch.setattr(diffs, "HUNKS_MAX", 2)
    assert len(read_patch(two)[0].hunks) == 2

    monkeypatch.setattr(diffs, "HUNKS_MAX", 1)
    with pytest.raises(Malformed, match="more than 500 files or 1 hunks"):
        read_patch(two)


def test_a_patch_fits_with_as_few_folders_taken_off_as_serve_most_of_its_files() -> None:
    files = read_patch(
        b"".join(
            b"--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-x\n+y\n" % (name, name)
            for name in (b"src/lib/x.c", b"src/lib/y.c", b"tests/z.c")
        )
        + b"--- /dev/null\n+++ b/src/lib/new.c\n@@ -0,0 +1 @@\n+x\n"
    )
    x, y, z, new = files

    assert fit(files, {"b/src/lib/x.c", "src/lib/x.c"}) == Fit(
        (("b/src/lib/x.c", x), (new.name, new)), (y.name, z.name)
    )
    assert fit(files, {"lib/x.c", "lib/y.c", "x.c"}) == Fit(
        (("lib/x.c", x), ("lib/y.c", y), ("lib/new.c", new)), (z.name,)
    )
    assert fit(files, {"elsewhere.c", "lib/new.c"}) is None


def test_two_files_of_a_patch_are_never_taken_for_one() -> None:
    files = (FileDiff("a/one/x.c", ()), FileDiff("a/two/x.c", ()))

    assert fit(files, {"x.c"}) is None
    assert fit(files, {"x.c", "one/x.c"}) == Fit((("one/x.c", files[0]),), ("a/two/x.c",))
