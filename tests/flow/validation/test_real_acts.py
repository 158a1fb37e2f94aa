"""Published releases that do what their input says, and those that no longer do, from the indexes."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.prove import judge
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import FixedWord, Verdict, Word
from leadtime.flow.validation.task import prepare
from leadtime.flow.validation.trial.run import carry_out
from leadtime.packages.fetch import open_fetcher
from tests.flow.validation.leaky import needs_node

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


UNPACKING = {
    **RECIPE,
    "subject": {"vulnerable": "pkg:npm/adm-zip@0.4.7", "fixed": "pkg:npm/adm-zip@0.4.11"},
    "files": ["unpack.js"],
    "run": "node unpack.js {src} {input}",
    "control": "plain.zip",
}
UNPACK = b"new (require(process.argv[2]))(process.argv[3]).extractAllTo('out', true);\n"


def verdict_on(reproducer: Reproducer, place: Path) -> Verdict:
    with open_fetcher(place / "archives", os.environ) as fetcher:
        task = prepare(
            reproducer,
            fetcher,
            python=None,
            sandbox_user="nobody",
            cache=place / "cache",
            evidence=place / "evidence",
            tell=lambda _: None,
        )
    return judge(parse_recipe(reproducer.recipe), task, carry_out(task, lambda *_: None, runs=1))


def zip_with(name: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    return raw.getvalue()


def test_a_document_that_starts_a_program_is_the_parsers_flaw(tmp_path: Path) -> None:
    reproducer = Reproducer(
        json.dumps(RECIPE).encode(),
        (NamedFile("load.py", LOAD), NamedFile("plain.yaml", b"[a, b]\n")),
        NamedFile("evil.yaml", b'!!python/object/apply:os.system ["true"]\n'),
    )

    verdict = verdict_on(reproducer, tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.CLEAN), verdict.reason
    assert verdict.reason == "process-start in Constructor.make_python_instance lib3/yaml/constructor.py:556"


@needs_node
def test_an_archive_that_writes_outside_is_the_unpackers_flaw(tmp_path: Path) -> None:
    reproducer = Reproducer(
        json.dumps(UNPACKING).encode(),
        (NamedFile("unpack.js", UNPACK), NamedFile("plain.zip", zip_with("plain"))),
        NamedFile("evil.zip", zip_with("../../../canary/new")),
    )

    verdict = verdict_on(reproducer, tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.CLEAN), verdict.reason
    assert verdict.reason == "file-write in writeFileTo util/utils.js:89"
