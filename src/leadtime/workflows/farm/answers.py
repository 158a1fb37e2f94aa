"""What a runner is asked and what it answers: a run's own words, or a sentence that says why there are none. Pure."""

from __future__ import annotations

import base64

from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused, Unavailable
from leadtime.foundation.strict_json import JsonBounds, read_json
from leadtime.workflows.farm.records import What
from leadtime.workflows.farm.tables import ANSWER_BYTES_MAX

ANSWER_BOUNDS = JsonBounds(bytes_max=ANSWER_BYTES_MAX, depth_max=2, values_max=4)
WORDS_CHARS_MAX = 500


def as_question(what: What, message: bytes) -> bytes:
    """Return the question that asks for it."""
    return what.value.encode() + b"\n" + message


def read_question(raw: bytes) -> tuple[What, bytes]:
    """Return what is asked, and the message for the process that does it; raises `Malformed` for anything else."""
    word, end, message = raw.partition(b"\n")
    for what in What:
        if end and word == what.value.encode():
            return what, message
    raise Malformed("a runner was asked something that it does not know", next_step="Upgrade it.")


def as_answer(found: bytes | LeadtimeError) -> bytes:
    """Return the answer that tells a run's own, or why there is none: it was refused, or cannot be had just now."""
    if isinstance(found, bytes):
        return canonical_json({"answer": base64.b64encode(found).decode()})
    word = "refused" if isinstance(found, Refused) else "unavailable"
    return canonical_json({word: found.what[:WORDS_CHARS_MAX]})


def read_answer(raw: bytes) -> bytes:
    """Return the run's own answer, still to be distrusted.

    Raises `Unavailable` with the runner's words if it could not be run, `Refused` if no further try would come further,
    `Malformed` for anything else.
    """
    match read_json(raw, ANSWER_BOUNDS):
        case {"answer": str(answer)}:
            try:
                return base64.b64decode(answer, validate=True)
            except ValueError:
                pass
        case {"unavailable": str(words)} if len(words) <= WORDS_CHARS_MAX:
            raise Unavailable(f"a runner says: {words}", next_step="It is tried again by itself.")
        case {"refused": str(words)} if len(words) <= WORDS_CHARS_MAX:
            raise Refused(f"a runner says: {words}", next_step="Look at its recipe.")
    raise Malformed("a runner answered something that it cannot mean", next_step="Look at the runner.")
