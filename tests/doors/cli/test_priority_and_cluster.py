"""The commands that need no server: exit codes, sentences and JSON."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from leadtime.doors.cli.main import run


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def write(path: Path, *rows: object) -> str:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


class TestPriority:
    def test_prints_the_row(self, capsys):
        answers = ("--exposed", "yes", "--kev", "no", "--automatable", "yes", "--impact", "total", "--federal")
        assert told(capsys, "priority", *answers) == (0, "CISA BOD 26-04 (10 June 2026), row 5: 3 days\n", "")

    def test_says_what_was_assumed_and_counted(self, capsys):
        code, out, _ = told(
            capsys, "priority", "--exposed", "no", "--kev", "yes", "--automatable", "yes", "--impact", "total",
            "--added", "2026-08-01", "--enumerated", "2026-08-10",
        )  # fmt: skip
        assert (code, out.splitlines()) == (
            0,
            [
                "CISA BOD 26-04 (10 June 2026), row 9: 3 days + forensic triage, by 2026-08-04",
                "counted from addition to KEV on 2026-08-01: 2026-08-04",
                "counted from enumeration on the asset on 2026-08-10: 2026-08-13",
                "overdue on arrival",
                "informative: the directive binds federal civilian agencies only",
            ],
        )

    def test_what_may_be_in_kev_is_undetermined(self, capsys):
        code, out, _ = told(capsys, "priority", "--exposed", "yes", "--json")
        decision = json.loads(out)
        assert code == 4
        assert (decision["row"], decision["due"]) == (None, None)
        assert decision["missing"] == ["whether it is in KEV (load the catalogue)"]

    def test_json_carries_the_explanation(self, capsys):
        _, out, _ = told(capsys, "priority", "--kev", "no", "--exploited-since", "2026-08-01", "--json")
        decision = json.loads(out)
        assert (decision["row"], decision["days"], decision["forensic_triage"]) == (3, 3, True)
        assert decision["readings"] == [
            {"counted_from": "evidence of exploitation", "start": "2026-08-01", "due": "2026-08-04"}
        ]
        assert decision["why"]["rule"] == "CISA BOD 26-04 (10 June 2026), row 3"

    def test_an_answer_or_date_that_is_none_is_refused(self, capsys):
        assert told(capsys, "priority", "--kev", "maybe")[0] == 2
        code, _, err = told(capsys, "priority", "--kev", "yes", "--added", "9999-12-31")
        assert (code, err) == (2, "added to KEV: a date between 1990 and 2200 is expected. Correct the date.\n")


class TestCluster:
    ROWS = (
        {"id": "a", "component": "c", "stack_text": "Crash type: SEGV\n#0 in f\n#1 in g\n#2 in h", "more": 1},
        {"id": 7, "stack_text": "nothing"},
        {"id": "b", "component": "c", "stack_text": "Crash type: SEGV\n#0 in f\n#1 in g\n#2 in h"},
    )
    GROUPS = ({"id": "a", "group": "a"}, {"id": "7", "group": "7"}, {"id": "b", "group": "a"})

    def test_prints_a_group_for_each_report_in_order(self, capsys, tmp_path):
        code, out, _ = told(capsys, "cluster", write(tmp_path / "c.jsonl", *self.ROWS))
        assert (code, [json.loads(line) for line in out.splitlines()]) == (0, list(self.GROUPS))

    def test_an_empty_file_has_no_groups_and_says_so(self, capsys, tmp_path):
        path = write(tmp_path / "c.jsonl")
        assert told(capsys, "cluster", path) == (
            0,
            "",
            f"{path}: this holds no report. Write one JSON object a line.\n",
        )

    def test_reads_gzip(self, capsys, tmp_path):
        packed = tmp_path / "c.jsonl.gz"
        packed.write_bytes(gzip.compress(Path(write(tmp_path / "c.jsonl", *self.ROWS)).read_bytes()))
        code, out, _ = told(capsys, "cluster", str(packed), "--json")
        assert (code, [json.loads(line) for line in out.splitlines()]) == (0, list(self.GROUPS))

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"[]\n", "line 1: an object is expected."),
            (b"\n{\n", "c.jsonl, line 2, column 2: this is not JSON. Correct it there.\n"),
            (b'{"id": "a"}\n', "line 1: stack_text is missing or no text."),
            (b'{"stack_text": ""}\n', "line 1: id is missing or no text."),
            (b'{"id": "a", "stack_text": ""}\n{"id": "a", "stack_text": ""}\n', "line 2: this id stands twice."),
            (b'{"id": "\xff"}\n', "this is not UTF-8."),
            (b"\x1f\x8bnot gzip", "this gzip file cannot be read."),
            (b'{"id": "' + b"a" * 1025 + b'", "stack_text": ""}\n', "line 1: id is longer than 1024 characters."),
            (b" " * ((2 << 20) + 1), "line 1: this line is longer than 2097152 bytes."),
        ],
    )
    def test_a_damaged_file_is_refused_with_its_line(self, capsys, tmp_path, content, sentence):
        path = tmp_path / "c.jsonl"
        path.write_bytes(content)
        code, out, err = told(capsys, "cluster", str(path))
        assert (code, out) == (2, "")
        assert sentence in err
        assert str(path) in err
