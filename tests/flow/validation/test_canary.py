"""Under ``canary`` a flaw is an act: it counts where the subject's own code did it, in C and in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import FixedWord, Word
from tests.flow.validation.leaky import Leak, in_c, in_python, verdict_on

pytestmark = pytest.mark.sandbox

LEAKS: dict[str, tuple[Leak, str, str]] = {
    "reads in C": (
        in_c("leaky_show(text)", "../../canary/secret"),
        "secret-read in leaky_show lib/leaky.c:16",
        "/canary/secret",
    ),
    "starts in C": (
        in_c("leaky_run(text)", "|true"),
        "process-start in leaky_run lib/leaky.c:34",
        "/bin/sh",
    ),
    "reads accounts in Python": (
        in_python("leaky.show(text)", "../../etc/passwd"),
        "secret-read in show leaky/__init__.py:13",
        "/etc/passwd",
    ),
    "writes in Python": (
        in_python("leaky.store(text)", "../../canary/new"),
        "file-write in store leaky/__init__.py:19",
        "/canary/new",
    ),
    "connects in Python": (
        in_python("leaky.fetch(text)", "@9.9.9.9"),
        "connection in fetch leaky/__init__.py:31",
        "9.9.9.9 80",
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_act_of_the_subjects_reproduces_and_the_careful_release_is_clean(name: str, tmp_path: Path) -> None:
    leak, reason, what = LEAKS[name]
    leak.fixed, leak.control = "1.1", "plain"

    verdict = verdict_on(leak, tmp_path)

    assert (verdict.word, verdict.reason) == (Word.REPRODUCED, reason)
    assert verdict.fixed.word is FixedWord.CLEAN, verdict.fixed.reason
    assert verdict.crash is not None
    assert (verdict.crash.crash_class, verdict.crash.access) == (reason.partition(" ")[0], what)
