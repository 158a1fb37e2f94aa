"""Under ``canary`` a flaw in JavaScript is an act of the subject's own script, read out of Node from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import FixedWord, Word
from tests.flow.validation.leaky import Leak, in_node, needs_node, verdict_on

pytestmark = [pytest.mark.sandbox, needs_node]

AS_MODULE = """\
import fs from 'node:fs';
const { show } = await import(`${process.argv[2]}/leaky.mjs`);
show(fs.readFileSync(process.argv[3], 'utf8'));
"""

LEAKS: dict[str, tuple[Leak, str, str]] = {
    "reads": (
        in_node("leaky.show(text)", "../../canary/secret"),
        "secret-read in show leaky.js:7",
        "/canary/secret",
    ),
    "writes": (
        in_node("leaky.store(text)", "../../canary/new"),
        "file-write in exports.store leaky.js:11",
        "/canary/new",
    ),
    "starts": (
        in_node("new leaky.Runner().run(text)", "|true"),
        "process-start in run leaky.js:18",
        "/bin/sh",
    ),
    "reads in a script with a mark, two-byte letters and other ends of lines": (
        in_node("if (text !== 'plain') require(`${process.argv[2]}/wide.js`).show(text);", "../../canary/secret"),
        "secret-read in exports.show wide.js:3",
        "/canary/secret",
    ),
    "reads in a module": (
        Leak(files={"h.mjs": AS_MODULE}, run="node h.mjs {src} {input}", given="../../canary/secret"),
        "secret-read in show leaky.mjs:3",
        "/canary/secret",
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_act_of_the_subjects_script_reproduces_and_the_careful_release_is_clean(name: str, tmp_path: Path) -> None:
    leak, reason, what = LEAKS[name]
    leak.fixed, leak.control = "1.1", "plain"

    verdict = verdict_on(leak, tmp_path)

    assert (verdict.word, verdict.reason) == (Word.REPRODUCED, reason)
    assert verdict.fixed.word is FixedWord.CLEAN, verdict.fixed.reason
    assert verdict.crash is not None
    assert (verdict.crash.crash_class, verdict.crash.access) == (reason.partition(" ")[0], what)
