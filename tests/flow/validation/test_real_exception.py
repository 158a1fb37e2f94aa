"""A published parser that a short statement makes fail, and its release that no longer does, from the index."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.prove import judge
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import FixedWord, Word
from leadtime.flow.validation.task import prepare
from leadtime.flow.validation.trial.run import carry_out
from leadtime.packages.fetch import open_fetcher

pytestmark = [pytest.mark.fetch, pytest.mark.sandbox]

RECIPE = {
    "schema": "leadtime.recipe/1",
    "subject": {"vulnerable": "pkg:pypi/sqlparse@0.2.4", "fixed": "pkg:pypi/sqlparse@0.4.4"},
    "files": ["parse.py"],
    "run": "PYTHONPATH={site} {python} parse.py {input}",
    "oracle": "exception",
    "control": "flat.sql",
    "limits": {"build_s": 60, "run_s": 120, "memory_mib": 1024},
}
PARSE = b"""\
import sys

import sqlparse

with open(sys.argv[1]) as file:
    print(sqlparse.parse(file.read())[0].get_type())
"""


def test_a_statement_that_ends_early_is_the_parsers_flaw(tmp_path: Path) -> None:
    reproducer = Reproducer(
        json.dumps(RECIPE).encode(),
        (NamedFile("parse.py", PARSE), NamedFile("flat.sql", b"select 1\n")),
        NamedFile("early.sql", b"with a"),
    )
    with open_fetcher(tmp_path / "archives", os.environ) as fetcher:
        task = prepare(
            reproducer,
            fetcher,
            python=None,
            sandbox_user="nobody",
            cache=tmp_path / "cache",
            evidence=tmp_path / "evidence",
            tell=lambda _: None,
        )

    verdict = judge(parse_recipe(reproducer.recipe), task, carry_out(task, lambda *_: None, runs=1))

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.CLEAN), verdict.reason
    assert verdict.reason == "AttributeError in Statement.get_type sqlparse/sql.py:420"
