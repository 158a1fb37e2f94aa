"""``leadtime evidence`` opens what a verdict names, and nothing else."""

from __future__ import annotations

import pytest

from leadtime.doors.cli.main import run
from leadtime.flow.validation.evidence import Evidence


def test_a_piece_of_evidence_is_written_out_as_it_was(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.setenv("LEADTIME_HOME", str(tmp_path))
    digest = Evidence(tmp_path / "evidence").keep(b"\x00\xffas it was")

    assert run(["evidence", digest]) == 0
    assert capfdbinary.readouterr().out == b"\x00\xffas it was"


@pytest.mark.parametrize(
    ("digest", "sentence"),
    [
        ("sha256:" + "0" * 64, "there is no such evidence here"),
        ("sha256:../../keys", "this is not a digest"),
        ("sha256:" + "0" * 64 + "\n", "this is not a digest"),
    ],
)
def test_what_is_no_digest_or_not_there_is_told(tmp_path, monkeypatch, capsys, digest, sentence):
    monkeypatch.setenv("LEADTIME_HOME", str(tmp_path))

    assert run(["evidence", digest]) == 2
    assert sentence in capsys.readouterr().err
