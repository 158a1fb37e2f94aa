"""Look for a smaller input on a built release; runs in the child that runs everything hostile."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from leadtime.flow.validation.records import Crash
from leadtime.flow.validation.smaller.rules import OutOfTries, reduced
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.probing import Prober
from leadtime.flow.validation.trial.runs import Target
from leadtime.flow.validation.trial.sides import Sides
from leadtime.foundation.digests import Digest, digest_of

TRIES_MAX = 2_000
SECONDS_MAX = 240.0
INPUT_BYTES_MAX = 1 << 20
"""A larger input is left as it is: its pieces alone would take the tries."""


def look_for_smaller(
    sides: Sides, target: Target, crash: Crash, *, seconds: Callable[[], float] = time.monotonic
) -> CarriedFile:
    """Return the task's input without what it does not need to show ``crash`` with the same signature."""
    given = sides.task.input
    content = given.content()
    if len(content) > INPUT_BYTES_MAX:
        return given
    prober = Prober(target, sides.recipe.oracle, given, crash)
    end = seconds() + SECONDS_MAX
    tried: set[Digest] = set()

    def shows(candidate: bytes) -> bool:
        name = digest_of(candidate)
        if name in tried:
            return False
        if len(tried) == TRIES_MAX or seconds() > end:
            raise OutOfTries
        sides.progress(f"making the input smaller ({len(candidate)} bytes)", len(tried), TRIES_MAX)
        tried.add(name)
        hit = prober.repeats(candidate)
        return hit is not None and hit.crash.signature == crash.signature

    return CarriedFile(given.name, base64.b64encode(reduced(content, shows)).decode())
