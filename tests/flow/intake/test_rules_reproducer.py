from __future__ import annotations

import base64

import pytest

from leadtime.flow.intake.records import NamedFile, Reproducer
from leadtime.flow.intake.reproducers import parse_reproducer
from leadtime.foundation.errors import Malformed
from tests.flow.intake.factories import a_reproducer

X = base64.b64encode(b"x").decode()
LEAVES = (
    "a file name must be plain and stay in the recipe's folder",
    "Rename the file; recipe.json is the recipe's own name.",
)


def refusal(value: object) -> tuple[str, str, str]:
    with pytest.raises(Malformed) as caught:
        parse_reproducer(value, "$.r")  # type: ignore[arg-type]
    return caught.value.what, caught.value.where, caught.value.next_step


def test_a_reproducer_is_read_with_its_files_in_order() -> None:
    sent = a_reproducer(files={"sub/b.c": X, "a.c": "", "é ü.txt": X})
    assert parse_reproducer(sent, "$.r") == Reproducer(
        recipe=b'{"files":["run.py"],"run":"{python} run.py {input}","schema":"leadtime.recipe/1"}',
        files=(NamedFile("a.c", b""), NamedFile("sub/b.c", b"x"), NamedFile("é ü.txt", b"x")),
        input=NamedFile("a.json", b"[1]"),
    )


def test_a_report_may_come_without_reproducer_and_a_reproducer_without_files() -> None:
    assert parse_reproducer(None, "$.r") is None
    bare = parse_reproducer(a_reproducer(files=None), "$.r")
    assert bare is not None
    assert bare.files == ()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "./a", "a\\b", "C:x", "a\x00", "a\nb", "a\x7f",
     "recipe.json", "x" * 256, "a/" * 127 + "bcd"],
)  # fmt: skip
def test_a_file_that_would_leave_its_folder_is_refused(name: str) -> None:
    what, where, next_step = refusal(a_reproducer(files={name: X}))
    assert (what, next_step) == LEAVES
    assert where.startswith("$.r.files.")
    if name.strip():
        named = a_reproducer(input={"name": name, "base64": X})
        if len(name) <= 255:
            assert refusal(named) == (LEAVES[0], "$.r.input.name", LEAVES[1])


def test_a_name_at_its_bound_is_allowed() -> None:
    for name in ("x" * 255, "a/" * 127 + "b", "...", "sub/recipe.json", ".hidden"):
        read = parse_reproducer(a_reproducer(files={name: X}), "$.r")
        assert read is not None
        assert read.files == (NamedFile(name, b"x"),)


@pytest.mark.parametrize("files", [{"a.json": X}, {"a": X, "a/b": X}, {"a/b": X, "a/b/c": X}, {"a.json/b": X}])
def test_files_that_lie_over_each_other_are_refused(files: dict[str, str]) -> None:
    assert refusal(a_reproducer(files=files)) == (
        "two files of the reproducer lie over each other",
        "$.r",
        "Rename one.",
    )


@pytest.mark.parametrize(
    ("value", "what", "where", "next_step"),
    [
        ("recipe.json", "this must be an object", "$.r", "Send it in braces."),
        (a_reproducer(recipe=None), "a field is missing", "$.r.recipe", "Add it."),
        (a_reproducer(recipe={}), "the schema must be leadtime.recipe/1", "$.r.recipe.schema", "Correct it."),
        (
            a_reproducer(recipe={"schema": "leadtime.recipe/1", "x": "x" * 256 * 1024}),
            "a recipe has at most 262144 bytes",
            "$.r.recipe",
            "Move text into files.",
        ),
        (a_reproducer(files=[]), "this must be an object", "$.r.files", "Send it in braces."),
        (
            a_reproducer(files={f"f{n}": X for n in range(65)}),
            "this has more than 64 files",
            "$.r.files",
            "Send fewer.",
        ),
        (a_reproducer(input=None), "a field is missing", "$.r.input", "Add it."),
        (a_reproducer(input={"base64": X}), "a field is missing", "$.r.input.name", "Add it."),
        (a_reproducer(input={"name": "a"}), "this must be text", "$.r.input.base64", "Send it in quotation marks."),
        (
            a_reproducer(input={"name": "a", "base64": "x"}),
            "this is not base64",
            "$.r.input.base64",
            "Encode the file's bytes (RFC 4648, section 4).",
        ),
        (
            a_reproducer(files={"a": "eA=="}, input={"name": "b", "base64": "eA==\n"}),
            "this is not base64",
            "$.r.input.base64",
            "Encode the file's bytes (RFC 4648, section 4).",
        ),
        (
            a_reproducer(files={"a": "é"}),
            "this is not base64",
            "$.r.files.a",
            "Encode the file's bytes (RFC 4648, section 4).",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(value: object, what: str, where: str, next_step: str) -> None:
    assert refusal(value) == (what, where, next_step)


def test_bounds_themselves_are_allowed() -> None:
    padding = 256 * 1024 - len('{"schema":"leadtime.recipe/1","x":""}')
    read = parse_reproducer(
        a_reproducer(recipe={"schema": "leadtime.recipe/1", "x": "x" * padding}, files={f"f{n}": X for n in range(64)}),
        "$.r",
    )
    assert read is not None
    assert (len(read.recipe), len(read.files)) == (256 * 1024, 64)
