"""The decisions of validation, pure: which oracle judges a run, and what the verdict is; whose a frame is says `blame`.

Everything that comes in was seen from outside the hostile process, but in a world that its author built. So the
subject is believed to have failed only where each link is shown, and every doubt is named.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from leadtime.flow.validation.oracles.canary import judge_canary
from leadtime.flow.validation.oracles.exception import judge_exception
from leadtime.flow.validation.oracles.exit import judge_exit
from leadtime.flow.validation.oracles.hang import judge_hang
from leadtime.flow.validation.oracles.sanitizer import judge_sanitizer
from leadtime.flow.validation.records import (
    Crash,
    FixedSide,
    FixedWord,
    Judged,
    Oracle,
    Rate,
    Scene,
    SeenRun,
    Showing,
    Word,
)

Z_95 = 1.959964
"""Of the standard normal distribution, two-sided 95 %."""

Judge = Callable[[SeenRun, Scene], Judged]

JUDGES: Mapping[Oracle, Judge] = {
    Oracle.SANITIZER: judge_sanitizer,
    Oracle.HANG: judge_hang,
    Oracle.EXCEPTION: judge_exception,
    Oracle.CANARY: judge_canary,
    Oracle.EXIT: judge_exit,
}
"""Who judges under which oracle; a recipe that names another is refused."""


def wilson(hits: int, runs: int) -> Rate:
    """Return how often something showed, with its 95 % Wilson score interval (Wilson 1927), to two decimals."""
    share = hits / runs
    spread = Z_95 * math.sqrt(share * (1 - share) / runs + Z_95**2 / (4 * runs**2))
    middle = share + Z_95**2 / (2 * runs)
    scale = 1 + Z_95**2 / runs
    return Rate(hits, runs, round((middle - spread) / scale, 2), round((middle + spread) / scale, 2))


def judge_run(oracle: Oracle, run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed under ``oracle``."""
    return JUDGES[oracle](run, scene)


def conclude(build_failure: str, control: Judged | None, judged: Sequence[Judged]) -> tuple[Word, str, Crash | None]:
    """Return the verdict on the vulnerable release, why, and the crash that showed most often."""
    if build_failure:
        return Word.INCONCLUSIVE, build_failure, None
    if control is not None and control.showing is Showing.UNSEEN:
        return Word.INCONCLUSIVE, f"what the control input does could not be seen: {control.reason}", None
    if control is not None and control.showing is not Showing.QUIET:
        return Word.HARNESS_FAULT, f"the control input is not clean: {control.reason}", None
    crashes = [found.crash for found in judged if found.crash is not None]
    if crashes:
        often = Counter(crash.signature for crash in crashes).most_common(1)[0][0]
        crash = next(crash for crash in crashes if crash.signature == often)
        reason = next(found.reason for found in judged if found.crash is crash)
        return Word.REPRODUCED, reason, crash
    found = min(judged, key=lambda one: list(WITHOUT_HIT).index(one.showing))
    return WITHOUT_HIT[found.showing], found.reason, None


WITHOUT_HIT: Mapping[Showing, Word] = {
    Showing.FOREIGN: Word.HARNESS_FAULT,
    Showing.FORGED: Word.HARNESS_FAULT,
    Showing.UNSEEN: Word.INCONCLUSIVE,
    Showing.STOPPED: Word.INCONCLUSIVE,
    Showing.DIED: Word.NOT_REPRODUCED,
    Showing.QUIET: Word.NOT_REPRODUCED,
}
"""What the verdict is when no run showed the flaw in the subject: the first of these that any run showed."""


def judge_fixed(build_failure: str, judged: Sequence[Judged], crash: Crash | None, ran: Sequence[bool]) -> FixedSide:
    """Return what the fixed release showed, next to the ``crash`` that the vulnerable one showed.

    ``ran`` tells of each run whether it loaded the code that the crash lies in: what was not run is not clean.
    """
    if crash is None:
        return FixedSide(FixedWord.NOT_CHECKED, "the flaw did not show in the vulnerable release", 0, 0)
    if build_failure:
        return FixedSide(FixedWord.NOT_CHECKED, build_failure, 0, 0)
    failed = [found for found in judged if found.showing is not Showing.QUIET]
    return _failing(failed, len(judged), crash) if failed else _quiet_side(len(judged), crash, ran)


def _quiet_side(runs: int, crash: Crash, ran: Sequence[bool]) -> FixedSide:
    if not all(ran):
        file = crash.subject_frames[0].file or "code"
        return FixedSide(FixedWord.NOT_CHECKED, f"it was quiet, but nothing built from {file} ran", runs, 0)
    return FixedSide(FixedWord.CLEAN, "nothing was seen", runs, 0)


def _failing(failed: Sequence[Judged], runs: int, crash: Crash) -> FixedSide:
    same = [found for found in failed if found.crash is not None and found.crash.signature == crash.signature]
    if same:
        return FixedSide(FixedWord.STILL_FAILS, same[0].reason, runs, len(same))
    seen = [found for found in failed if found.showing is not Showing.UNSEEN]
    if not seen:
        return FixedSide(FixedWord.NOT_CHECKED, failed[0].reason, runs, 0)
    return FixedSide(FixedWord.FAILS_OTHERWISE, seen[0].reason, runs, len(seen))


_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def plain_input_name(name: str) -> str:
    """Return the name that an input gets in the box: its own last part if that is plain and needs no quoting."""
    last = name.rpartition("/")[2]
    return last if _PLAIN_NAME.match(last) else "input"
