"""A published release that starts what its input names, and the one that no longer does, from the index."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.prove import judge
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import FixedWord, Word
from leadtime.flow.validation.run import carry_out
from leadtime.flow.validation.task import prepare
from leadtime.packages.fetch import open_fetcher

pytestmark = [pytest.mark.fetch, pytest.mark.sandbox]

RECIPE = {
    "schema": "leadtime.recipe/1",
    "subject": {"vulnerable": "pkg:pypi/pyyaml@3.13", "fixed": "pkg:pypi/pyyaml@5.1"},
    "files": ["load.py"],
    "run": "PYTHONPATH={src}/lib3 {python} load.py {input}",
    "oracle": "canary",
    "control": "plain.yaml",
    "limits": {"build_s": 60, "run_s": 60, "memory_mib": 1024},
}
LOAD = b"import sys\nimport yaml\nwith open(sys.argv[1]) as file:\n    yaml.load(file.read())\n"


def test_a_document_that_starts_a_program_is_the_parsers_flaw(tmp_path: Path) -> None:
    reproducer = Reproducer(
        json.dumps(RECIPE).encode(),
        (NamedFile("load.py", LOAD), NamedFile("plain.yaml", b"[a, b]\n")),
        NamedFile("evil.yaml", b'!!python/object/apply:os.system ["true"]\n'),
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
    assert verdict.reason == "process-start in Constructor.make_python_instance lib3/yaml/constructor.py:556"
