"""The process that proves one reproducer: takes it on standard input, and gives the verdict on standard output.

Started by `proving`, isolated (``python -I``), with neither database nor token. What a finder sent reaches it as bytes
in a pipe, never as files in a folder that an interpreter might look into.
"""

from __future__ import annotations

import base64
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation import Workshop, as_bytes, prove
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import LeadtimeError, Malformed, Unavailable
from leadtime.foundation.settings import Settings, read_settings
from leadtime.foundation.strict_json import Json, JsonBounds, read_json
from leadtime.packages.fetch import open_fetcher

MESSAGE_BOUNDS = JsonBounds(bytes_max=256 << 20, depth_max=4, values_max=1_000_000)
EXIT_UNAVAILABLE = 5

Given = TypeVar("Given")

Answer = Callable[[Given, Settings, threading.Event], bytes]
"""What is asked of what is given, as JSON; gives up with `LeadtimeError`, or when the event is set."""


def as_message(reproducer: Reproducer) -> bytes:
    """Return a reproducer as `read_message` reads it."""
    return canonical_json(plain_reproducer(reproducer))


def read_message(message: bytes) -> Reproducer:
    """Return the reproducer that ``message`` spells; raises `Malformed` for anything else."""
    return read_reproducer(read_json(message, MESSAGE_BOUNDS))


def plain_reproducer(reproducer: Reproducer) -> Json:
    """Return a reproducer as a JSON value."""
    files: list[Json] = [plain_file(file) for file in reproducer.files]
    return {"recipe": encoded(reproducer.recipe), "files": files, "input": plain_file(reproducer.input)}


def read_reproducer(value: Json) -> Reproducer:
    """Return the reproducer that `plain_reproducer` spelled; raises `Malformed` for anything else."""
    match value:
        case {"recipe": str(recipe), "files": list(files), "input": given}:
            return Reproducer(
                recipe=base64.b64decode(recipe), files=tuple(read_file(file) for file in files), input=read_file(given)
            )
    raise wrong_message()


def workshop_of(settings: Settings) -> Workshop:
    """Return where validations work in this installation."""
    return Workshop(
        cache=settings.home / "cache",
        evidence=settings.home / "evidence",
        python=settings.python,
        sandbox_user=settings.sandbox_user,
    )


def undecided(reason: str) -> bytes:
    """Return the answer for what could not be run, with the reason."""
    return canonical_json({"verdict": "inconclusive", "reason": reason, "crash": None, "fixed": None, "evidence": []})


def answer(reproducer: Reproducer, settings: Settings, stopping: threading.Event) -> bytes:
    """Return the verdict on a reproducer as JSON; a recipe that is refused is decided, with the sentence.

    Raises `Unavailable` where this machine or an index cannot do it now, or when ``stopping`` is set.
    """
    workshop = workshop_of(settings)
    try:
        with open_fetcher(workshop.cache / "releases", os.environ) as fetcher:
            return as_bytes(prove(reproducer, fetcher, workshop, stopping=stopping))
    except Unavailable:
        raise
    except LeadtimeError as refused:
        return undecided(str(refused))


def speak(read: Callable[[bytes], Given], asked: Answer[Given]) -> None:
    """Read what is given from standard input and write what is ``asked`` of it; told to end, it gives up."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    given = read(sys.stdin.buffer.read(MESSAGE_BOUNDS.bytes_max + 1))
    try:
        told = asked(given, read_settings(os.environ), stopping)
    except LeadtimeError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(EXIT_UNAVAILABLE)
    sys.stdout.buffer.write(told)


def main() -> None:
    """Prove the reproducer and answer with the verdict."""
    speak(read_message, answer)


def plain_file(file: NamedFile) -> Json:
    """Return a file as a JSON value."""
    return {"name": file.name, "base64": encoded(file.content)}


def encoded(content: bytes) -> str:
    """Return bytes as text."""
    return base64.b64encode(content).decode()


def read_file(value: Json) -> NamedFile:
    """Return the file that `plain_file` spelled; raises `Malformed` for anything else."""
    match value:
        case {"name": str(name), "base64": str(content)}:
            return NamedFile(name, base64.b64decode(content))
    raise wrong_message()


def wrong_message() -> Malformed:
    """Return the refusal of a message that means nothing to the process that got it."""
    return Malformed("this is not a reproducer", where="standard input", next_step="Send what as_message returns.")
