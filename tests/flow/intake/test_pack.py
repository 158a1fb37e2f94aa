from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from leadtime.flow.intake import Given, ReportForm, limits, pack_reports
from leadtime.foundation.errors import Malformed
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("private")
    folder = tmp_path / "reports"
    (folder / "target").mkdir(parents=True)
    recipe = {"schema": "leadtime.recipe/1", "files": ["run.py"], "control": "ok.json", "run": "./run.py {input}"}
    (folder / "target" / "recipe.json").write_text(json.dumps(recipe))
    (folder / "target" / "run.py").write_bytes(b"print(1)")
    (folder / "target" / "ok.json").write_bytes(b"[]")
    (folder / "crash.bin").write_bytes(b"\x00\xff")
    return folder


def pack(folder: Path, **changes: object) -> list[Any]:
    path = folder / "report.json"
    path.write_bytes(as_bytes(a_report(**changes)))
    return [json.loads(packed.content) for packed in pack_reports(path)]


def refusal(folder: Path, **changes: object) -> tuple[str, str]:
    with pytest.raises(Malformed) as caught:
        pack(folder, **changes)
    return caught.value.what, caught.value.where.removeprefix(f"{folder / 'report.json'}: ")


def coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_paths_are_replaced_by_what_lies_there(folder: Path) -> None:
    named = {"recipe": "target/recipe.json", "input": "crash.bin"}
    (packed,) = pack(folder, reproducer=named, x=1)
    assert packed["reproducer"] == {
        "recipe": json.loads((folder / "target" / "recipe.json").read_bytes()),
        "files": {"run.py": coded(b"print(1)"), "ok.json": coded(b"[]")},
        "input": {"name": "crash.bin", "base64": coded(b"\x00\xff")},
    }
    assert packed["x"] == 1


def test_files_can_be_named_and_what_is_packed_already_stays(folder: Path) -> None:
    whole = a_reproducer()
    (packed,) = pack(folder, reproducer=whole)
    assert packed["reproducer"] == whole
    (packed,) = pack(folder, reproducer={**whole, "files": ["crash.bin", "target/run.py"]})
    assert packed["reproducer"]["files"] == {"crash.bin": coded(b"\x00\xff"), "target/run.py": coded(b"print(1)")}
    (packed,) = pack(folder)
    assert "reproducer" not in packed


def test_a_control_that_is_among_the_files_is_packed_once(folder: Path) -> None:
    recipe = {"schema": "leadtime.recipe/1", "files": ["ok.json"], "control": "ok.json"}
    (folder / "target" / "recipe.json").write_text(json.dumps(recipe))
    (packed,) = pack(folder, reproducer={"recipe": "target/recipe.json", "input": "crash.bin"})
    assert packed["reproducer"]["files"] == {"ok.json": coded(b"[]")}


def test_each_line_of_ndjson_is_a_report(folder: Path) -> None:
    path = folder / "many.ndjson"
    path.write_bytes(as_bytes(a_report(reference="1")) + b"\n\n" + as_bytes(a_report(reference="2")))
    assert [json.loads(packed.content)["reference"] for packed in pack_reports(path)] == ["1", "2"]
    path.write_bytes(as_bytes(a_report()) + b"\n{}\n")
    with pytest.raises(Malformed) as caught:
        list(pack_reports(path))
    assert str(caught.value) == f"{path}, line 2: $.schema: the schema must be leadtime.report/1. Correct it."


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link", "target", "missing", "linked/secret"])
def test_nothing_outside_the_folder_is_read(folder: Path, name: str) -> None:
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "linked").symlink_to(folder.parent)
    outside = "this names no file in the report's folder"
    whole = a_reproducer()
    assert refusal(folder, reproducer={**whole, "input": name}) == (outside, "$.reproducer.input")
    assert refusal(folder, reproducer={**whole, "files": [name]}) == (outside, "$.reproducer.files")
    assert refusal(folder, reproducer={**whole, "recipe": name}) == (outside, "$.reproducer.recipe")


def test_a_recipes_files_stay_in_the_recipes_own_folder(folder: Path) -> None:
    recipe = {"schema": "leadtime.recipe/1", "files": ["../crash.bin"]}
    (folder / "target" / "recipe.json").write_text(json.dumps(recipe))
    assert refusal(folder, reproducer={"recipe": "target/recipe.json", "input": "crash.bin"}) == (
        "this names no file in the report's folder",
        "$.reproducer.files",
    )


def test_a_name_that_no_file_can_have_is_refused(folder: Path) -> None:
    assert refusal(folder, reproducer=a_reproducer(input="a\x00b"))[0] == "this file cannot be read"
    assert refusal(folder, reproducer=a_reproducer(input="x" * 5000))[0] == "this file cannot be read"


def test_files_are_bounded_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REPORT_BYTES_MAX", 9)
    assert refusal(folder, reproducer=a_reproducer(files=["target/run.py", "crash.bin"])) == (
        "this is larger than 9 bytes",
        "$.reproducer.files",
    )


def test_a_file_of_200_mb_is_refused_without_being_read_whole(folder: Path) -> None:
    with (folder / "crash.bin").open("wb") as stream:
        stream.truncate(200_000_000)
    assert refusal(folder, reproducer=a_reproducer(input="crash.bin")) == (
        "this is larger than 16777216 bytes",
        "$.reproducer.input",
    )
    with (folder / "large.json").open("wb") as stream:
        stream.truncate(200_000_000)
    with pytest.raises(Malformed, match="this is larger than 16777216 bytes"):
        list(pack_reports(folder / "large.json"))
    (folder / "large.json").rename(folder / "large.ndjson")
    with pytest.raises(Malformed, match="this is larger than 16777216 bytes"):
        list(pack_reports(folder / "large.ndjson"))


def test_a_file_holds_a_bounded_number_of_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_LINES_MAX", 2)
    path = folder / "many.jsonl"
    path.write_bytes(as_bytes(a_report()) + b"\n" + as_bytes(a_report()) + b"\n")
    assert len(list(pack_reports(path))) == 2
    path.write_bytes(path.read_bytes() + as_bytes(a_report()))
    with pytest.raises(Malformed, match="a file holds at most 2 lines"):
        list(pack_reports(path))


def test_other_files_are_refused_by_what_they_hold(folder: Path) -> None:
    with pytest.raises(Malformed) as caught:
        list(pack_reports(folder / "crash.bin"))
    assert str(caught.value) == (
        f"{folder / 'crash.bin'}: $: this is no form of report that is read. "
        "Give one of leadtime.report/1, SARIF 2.1.0, OSV, CSAF, CSV, Markdown, e-mail."
    )
    with pytest.raises(Malformed, match="there is no such file"):
        list(pack_reports(folder / "nowhere.json"))


def test_a_file_of_another_form_gives_what_it_holds(folder: Path) -> None:
    path = folder / "table.txt"
    path.write_text("title,component\nOne,pkg:pypi/a@1\nTwo,\n")
    first, second = pack_reports(path)
    assert (first.where, json.loads(first.content)["title"]) == ("line 2", "One")
    assert str(second.problem) == (
        "line 3: this does not name its software. Say it: --component PURL, or ?component=PURL at the API."
    )
    (_, known) = pack_reports(path, given=Given(component="pkg:pypi/b"))
    assert json.loads(known.content)["component"] == "pkg:pypi/b"
    (whole,) = pack_reports(path, ReportForm.MARKDOWN, Given(component="pkg:pypi/b"))
    assert json.loads(whole.content)["title"] == "title,component"


def test_lines_are_told_by_their_content(folder: Path) -> None:
    path = folder / "many.ndjson"
    record = {"id": "OSV-1", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"purl": "pkg:pypi/a"}}]}
    path.write_bytes(as_bytes(record) + b"\n" + as_bytes(a_report()))
    first, second = (json.loads(each.content) for each in pack_reports(path))
    assert (first["reference"], second["title"]) == ("OSV-1", "Stack overflow when indenting")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "scan.csv",
            "a,b,c\n1,2,3\n",
            "line 1: this header has none of title, summary, subject, name. Begin with title,component,cwe.",
        ),
        ("scan.TSV", "Subject: x\nFrom: a@b.org\n\nc\n", "line 1: this header has none of title, summary,"),
        ("num.json", "5", "$: this must be an object. Send it in braces."),
        ("words.json", "title,component\n", "line 1, column 1: this is not JSON. Correct it there."),
        ("lines.ndjson", "hello\n", "line 1: column 1: this is not JSON. Correct it there."),
        ("log.sarif", "hello", "column 1: this is not JSON."),
    ],
)
def test_text_under_the_name_of_another_form_is_no_write_up(
    tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(Malformed) as caught:
        list(pack_reports(path, given=Given("pkg:generic/libfoo@1.0")))
    assert sentence in str(caught.value)


def test_a_table_may_be_told_by_its_name_and_a_form_that_is_given_counts(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("title\nOverflow\n")
    given = Given("pkg:generic/libfoo@1.0")
    for form, title in ((None, "Overflow"), (ReportForm.MARKDOWN, "title")):
        (read,) = pack_reports(path, form, given)
        assert json.loads(read.content)["title"] == title  # type: ignore[union-attr]


def test_a_folder_is_told_apart_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as caught:
        list(pack_reports(tmp_path))
    assert str(caught.value) == f"{tmp_path}: this is a folder. Name the files in it."
