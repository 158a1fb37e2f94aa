"""Turn what was observed into an outcome. Pure; of several reasons the one that explains the others wins."""

from __future__ import annotations

import json
from dataclasses import dataclass

from leadtime.foundation.errors import Unavailable
from leadtime.sandbox.records import Ending, Outcome
from leadtime.sandbox.supervision import Observed

SIGNAL_CODE_BASE = 128
SIGNAL_MAX = 64
REASON_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``guest/enter.py`` says of a watched program."""

    exit_code: int | None
    timed_out: bool
    sightings: bytes


def conclude(observed: Observed, *, watched: bool) -> Outcome:
    """Return the outcome of a run.

    Raises:
        Unavailable: the box could not be set up, so nothing was run.
    """
    if observed.exit_code is None and observed.ended_for is None:
        reason = observed.stderr.kept().decode(errors="replace").strip()[:REASON_CHARACTERS_MAX]
        raise Unavailable(f"the box could not be set up: {reason}", where="sandbox", next_step="Run leadtime doctor.")
    answer = read_answer(observed.answer) if watched else Answer(observed.exit_code, timed_out=False, sightings=b"")
    if observed.ended_for is not None:
        return _outcome(observed, observed.ended_for, answer)
    if answer is None:
        return _outcome(observed, Ending.OBSERVER_LOST, answer)
    if answer.timed_out or answer.exit_code is None:
        return _outcome(observed, Ending.TIMED_OUT if answer.timed_out else Ending.OBSERVER_LOST, answer)
    died = SIGNAL_CODE_BASE < answer.exit_code <= SIGNAL_CODE_BASE + SIGNAL_MAX
    return _outcome(observed, Ending.SIGNALLED if died else Ending.EXITED, answer)


def read_answer(line: bytes) -> Answer | None:
    """Return the guest's answer, or None if it is missing, cut short or says that the observer failed."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("sightings"), dict):
        return None
    code = value.get("exit_code")
    return Answer(
        exit_code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        timed_out=value.get("timed_out") is True,
        sightings=json.dumps(value["sightings"]).encode(),
    )


def _outcome(observed: Observed, ending: Ending, answer: Answer | None) -> Outcome:
    code = answer.exit_code if answer else None
    return Outcome(
        ending=ending,
        exit_code=code if ending is Ending.EXITED else None,
        signal=code - SIGNAL_CODE_BASE if ending is Ending.SIGNALLED and code is not None else None,
        stdout=observed.stdout.kept(),
        stderr=observed.stderr.kept(),
        stdout_total_bytes=observed.stdout.total_bytes,
        stderr_total_bytes=observed.stderr.total_bytes,
        duration_s=observed.duration_s,
        sightings=answer.sightings if answer else observed.answer[:REASON_CHARACTERS_MAX],
    )
