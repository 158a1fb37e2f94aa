"""From a folder to a reproducer, and from a reproducer to a task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.plain import from_plain, to_plain
from leadtime.flow.validation.task import FILES_BYTES_MAX, CarriedFile, Task, prepare, read_folder
from leadtime.foundation.errors import Malformed, Missing
from leadtime.foundation.strict_json import JsonBounds, read_json
from tests.flow.validation.brittle import Shelf, Trial

WIDE = JsonBounds(bytes_max=1 << 24, depth_max=20, values_max=100_000)


def folder(place: Path, **changes: object) -> tuple[Path, Path]:
    """Write a recipe's folder and return recipe and input."""
    recipe = json.loads(Trial().reproducer().recipe) | {"files": ["a.c"], "control": "ok.txt"} | changes
    for name, text in (("recipe.json", json.dumps(recipe)), ("a.c", "int a;"), ("ok.txt", "ok"), ("input.bin", "in")):
        (place / name).write_text(text)
    return place / "recipe.json", place / "input.bin"


def task_of(reproducer: Reproducer, place: Path) -> Task:
    return prepare(
        reproducer,
        Shelf(place),  # type: ignore[arg-type]
        python=None,
        sandbox_user="nobody",
        cache=place / "cache",
        evidence=place / "evidence",
        tell=lambda _: None,
    )


def test_a_folder_becomes_a_reproducer(tmp_path: Path) -> None:
    recipe, given = folder(tmp_path)

    assert read_folder(recipe, given) == Reproducer(
        recipe=recipe.read_bytes(),
        files=(NamedFile("a.c", b"int a;"), NamedFile("ok.txt", b"ok")),
        input=NamedFile("input.bin", b"in"),
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    recipe, given = folder(tmp_path, files=["b.c"])

    with pytest.raises(Malformed, match=r"the file 'b\.c' is not there"):
        read_folder(recipe, given)


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside.txt"])
def test_a_link_out_of_the_folder_is_refused(target: str, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("x")
    inside = tmp_path / "inside"
    inside.mkdir()
    recipe, given = folder(inside)
    (inside / "a.c").unlink()
    (inside / "a.c").symlink_to(target)

    with pytest.raises(Malformed, match=r"lies outside the recipe's folder"):
        read_folder(recipe, given)


def test_a_huge_file_is_refused_without_being_held(tmp_path: Path) -> None:
    recipe, given = folder(tmp_path)
    with given.open("wb") as stream:
        stream.truncate(200 << 20)

    with pytest.raises(Malformed, match=f"larger than {FILES_BYTES_MAX - 8} bytes"):
        read_folder(recipe, given)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    recipe, given = folder(tmp_path, files=["deep"])
    (tmp_path / "deep").mkdir()

    with pytest.raises(Malformed, match=r"the file 'deep' is not there"):
        read_folder(recipe, given)


def test_a_broken_recipe_is_told_with_its_file(tmp_path: Path) -> None:
    recipe, given = folder(tmp_path, run="")

    with pytest.raises(Malformed) as refusal:
        read_folder(recipe, given)
    assert str(refusal.value) == f"{recipe}: $.run: this must be text that is not empty. Fill it in."


def test_a_task_is_self_contained_and_crosses_a_pipe(tmp_path: Path) -> None:
    task = task_of(Trial(fixed="1.1", control="ok").reproducer(), tmp_path)

    assert task.input == CarriedFile("input.txt", "IW92ZXJmbG93")
    assert task.control is not None
    assert task.control.content() == b"ok"
    assert [file.name for file in task.files] == ["harness.c"]
    assert task.fixed is not None
    assert (task.vulnerable.purl, task.fixed.purl) == ("pkg:pypi/brittle@1.0", "pkg:pypi/brittle@1.1")
    assert task.unfetched == ""
    assert from_plain(Task, read_json(json.dumps(to_plain(task)).encode(), WIDE)) == task


def test_a_fixed_release_that_does_not_exist_leaves_one_side(tmp_path: Path) -> None:
    task = task_of(Trial(fixed="9.9").reproducer(), tmp_path)

    assert (task.fixed, task.unfetched) == (None, "pkg:pypi/brittle@9.9: the package index has no such release")


def test_a_vulnerable_release_that_does_not_exist_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        task_of(Trial(vulnerable="9.9").reproducer(), tmp_path)


def test_a_reproducer_without_a_file_that_its_recipe_names_is_malformed(tmp_path: Path) -> None:
    whole = Trial().reproducer()

    with pytest.raises(Malformed) as refusal:
        task_of(Reproducer(whole.recipe, (), whole.input), tmp_path)
    assert str(refusal.value) == "$.files: the file 'harness.c' is not there. Put it beside the recipe."
