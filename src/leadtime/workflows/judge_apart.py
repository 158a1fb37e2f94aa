"""The process that judges one patch against one reproducer: as `prove_apart`, and further."""

from __future__ import annotations

import base64
import os
import threading
from dataclasses import dataclass

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation import JudgedPatch, Word, judge_patch, judged_as_json
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import LeadtimeError, Unavailable
from leadtime.foundation.settings import Settings
from leadtime.foundation.strict_json import JsonBounds, read_json
from leadtime.packages.fetch import open_fetcher
from leadtime.workflows.prove_apart import (
    encoded,
    plain_file,
    plain_reproducer,
    read_file,
    read_reproducer,
    speak,
    workshop_of,
    wrong_message,
)

MESSAGE_BOUNDS = JsonBounds(bytes_max=256 << 20, depth_max=5, values_max=1_000_000)


@dataclass(frozen=True, slots=True)
class PatchAsked:
    """A patch to judge against a reproducer; ``known`` are inputs of other reports of the same flaw."""

    reproducer: Reproducer
    patch: bytes
    known: tuple[NamedFile, ...]


def as_patch_message(asked: PatchAsked) -> bytes:
    """Return what is asked as `read_patch_message` reads it."""
    known = [plain_file(file) for file in asked.known]
    plain = {"reproducer": plain_reproducer(asked.reproducer), "patch": encoded(asked.patch), "known": known}
    return canonical_json(plain)


def read_patch_message(message: bytes) -> PatchAsked:
    """Return what ``message`` asks; raises `Malformed` for anything else."""
    match read_json(message, MESSAGE_BOUNDS):
        case {"reproducer": reproducer, "patch": str(patch), "known": list(known)}:
            files = tuple(read_file(file) for file in known)
            return PatchAsked(read_reproducer(reproducer), base64.b64decode(patch), files)
    raise wrong_message()


def answer(asked: PatchAsked, settings: Settings, stopping: threading.Event) -> bytes:
    """Return what becomes of a patch as JSON; what is refused is decided, with the sentence.

    Raises `Unavailable` where this machine or an index cannot do it now, or when ``stopping`` is set.
    """
    workshop = workshop_of(settings)
    try:
        with open_fetcher(workshop.cache / "releases", os.environ) as fetcher:
            found = judge_patch(
                asked.reproducer, asked.patch, fetcher, workshop, known=asked.known, stopping=stopping
            ).found
    except Unavailable:
        raise
    except LeadtimeError as refused:
        found = JudgedPatch(Word.INCONCLUSIVE, str(refused), "", None)
    return canonical_json(judged_as_json(found))


def main() -> None:
    """Judge the patch and answer how far it climbs."""
    speak(read_patch_message, answer)
