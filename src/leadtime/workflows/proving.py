"""Run a report's reproducer in a process of its own, and believe what comes back only as far as it can be checked.

The process gets the reproducer through its standard input, and neither database nor token. It starts outside every
folder that holds anything of a finder's, isolated: what a report carries is never in the path of an interpreter of
ours, and lies in no file before the sandbox's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO

from leadtime.flow.validation import Begun, FixedWord, Harness, Oracle, Outcome, sweep_benches
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed, Refused, Unavailable
from leadtime.foundation.settings import Settings
from leadtime.foundation.strict_json import Json, JsonBounds, read_json
from leadtime.workflows.prove_apart import as_message, undecided

APART = "from leadtime.workflows.prove_apart import main; main()"
"""What the process runs; ``-I`` keeps the working directory, the user's own modules and PYTHON* variables out."""

NEUTRAL_PLACE = "/"
RUN_SECONDS_MAX = 14_400
"""One run apart, with fetching, builds and all releases it is to look at; no try after that would come further."""

POLL_SECONDS = 0.1
STOP_SECONDS_MAX = 10
RESULT_BOUNDS = JsonBounds(bytes_max=16 << 20, depth_max=16, values_max=1_000_000)
REASON_CHARS_MAX = 500
FRAMES_MAX = 10_000
FRAME_CHARS_MAX = 5_000
REPRODUCED = "reproduced"
WORDS = frozenset({REPRODUCED, "not_reproduced", "harness_fault", "inconclusive"})

PASSED_ON = (
    *("PATH", "HOME", "LANG", "LEADTIME_HOME", "LEADTIME_PYTHON", "LEADTIME_SANDBOX_USER"),
    *("LEADTIME_DOWNLOAD_HOSTS", "LEADTIME_GITHUB_ARCHIVES", "LEADTIME_RANGE_RELEASES"),
)
"""Variables that the run gets besides those that pip and npm read for their registries; secrets are not among them."""

PASSED_ON_PREFIXES = ("PIP_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_")


def prove(settings: Settings, begun: Begun, stopping: threading.Event) -> Outcome:
    """Return what running the report's reproducer comes to.

    Raises `Unavailable` if the worker is to stop, or if a release could not be fetched just now.
    """
    if begun.reproducer is None:
        return read_outcome(undecided("the report carries no reproducer"))
    return read_outcome(run_apart(settings, as_message(begun.reproducer), stopping))


def run_apart(settings: Settings, message: bytes, stopping: threading.Event, *, code: str = "") -> bytes:
    """Return what a run itself answers to a message, still to be distrusted (`read_outcome`); raises as `prove`.

    ``code`` is what its process runs: `APART` if not said.
    """
    try:
        exit_code, answer, words = _run(settings, message, stopping, code or APART)
    finally:
        # One that had to be killed left what it had laid out in clear.
        sweep_benches(settings.home / "cache")
    if exit_code == 0:
        return answer
    raise Unavailable(f"the run ended without a verdict: {words}", next_step="It is tried again by itself.")


def read_outcome(answer: bytes) -> Outcome:
    """Return the outcome that a run's answer spells; raises `Malformed` for what it could not mean."""
    result = read_json(answer, RESULT_BOUNDS)
    verdict = _text(result, "verdict")
    if verdict not in WORDS:
        raise _wrong("verdict")
    _check_sides(result)
    if verdict != REPRODUCED:
        return Outcome(verdict, None, canonical_json(result))
    crash = _member(result, "crash")
    _check_stack(_member(crash, "stack"))
    _text(crash, "class")
    _check_frames(_member(crash, "subject_frames"))
    return Outcome(verdict, _text(crash, "signature"), canonical_json(result))


def _check_frames(frames: Json) -> None:
    if not isinstance(frames, list) or not 1 <= len(frames) <= FRAMES_MAX:
        raise _wrong("crash.subject_frames")
    if not all(isinstance(frame, str) and 1 <= len(frame) <= FRAME_CHARS_MAX for frame in frames):
        raise _wrong("crash.subject_frames")


def _check_sides(result: Json) -> None:
    """Raise `Malformed` unless what is said of rate, fixed release and harness is of the kind that pages read."""
    rate, fixed, harness, oracle = (_member(result, name) for name in ("rate", "fixed", "harness", "oracle"))
    if rate is not None and not all(_is_number(_member(rate, name)) for name in ("hits", "runs", "low", "high")):
        raise _wrong("rate")
    if fixed is not None and _member(fixed, "verdict") not in [*FixedWord]:
        raise _wrong("fixed")
    if fixed is not None and not all(_is_number(_member(fixed, name) or 0) for name in ("hits", "runs")):
        raise _wrong("fixed")
    if harness not in (None, *Harness):
        raise _wrong("harness")
    if oracle not in (None, *Oracle):
        raise _wrong("oracle")


def _check_stack(stack: Json) -> None:
    if stack is None:
        return
    if not isinstance(stack, list) or len(stack) > FRAMES_MAX:
        raise _wrong("crash.stack")
    if not all(isinstance(_member(frame, name), str) for frame in stack for name in ("origin", "function")):
        raise _wrong("crash.stack")


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Json, name: str) -> str:
    found = _member(value, name)
    if not isinstance(found, str) or not 1 <= len(found) <= FRAME_CHARS_MAX:
        raise _wrong(name)
    return found


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _wrong(where: str) -> Malformed:
    return Malformed("a run answered something that it cannot mean", where=where, next_step="Look at its worker.")


def _run(settings: Settings, message: bytes, stopping: threading.Event, code: str) -> tuple[int, bytes, str]:
    """Run the process to its end and return its exit code, its answer, and its last words."""
    with _in_memory("message") as given, _in_memory("answer") as answer, _in_memory("errors") as errors:
        given.write(message)
        given.seek(0)
        running = subprocess.Popen(
            # The kernel ends it with us, however we end.
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-I", "-c", code],
            stdin=given,
            stdout=answer,
            stderr=errors,
            env=_environment(settings, os.environ),
            cwd=NEUTRAL_PLACE,
        )
        try:
            _wait(running, stopping)
        finally:
            _end(running)
        return running.returncode, _read(answer, RESULT_BOUNDS.bytes_max + 1), _last_words(errors)


def _in_memory(name: str) -> IO[bytes]:
    """Return a file that is on no disk."""
    return os.fdopen(os.memfd_create(name, os.MFD_CLOEXEC), "w+b")


def _environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the run may know of ours."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES) or name.lower().endswith("_proxy")
    }
    return kept | {"LEADTIME_HOME": str(settings.home)}


def _wait(running: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Wait for the end of the run; raises `Unavailable` if the worker is to stop, `Refused` if the bound is reached."""
    end = time.monotonic() + RUN_SECONDS_MAX
    while running.poll() is None:
        if stopping.wait(POLL_SECONDS):
            raise Unavailable("the worker is stopping", next_step="Another takes the validation.")
        if time.monotonic() > end:
            raise Refused(f"it took more than {RUN_SECONDS_MAX} s", next_step="Look at its recipe.")


def _end(running: subprocess.Popen[bytes]) -> None:
    """End the run if it has not ended: asked first, so that it can remove what it made."""
    if running.poll() is not None:
        return
    running.terminate()
    try:
        running.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def _last_words(stream: IO[bytes]) -> str:
    """Return the last line that a run wrote about itself, cut."""
    lines = _read(stream, RESULT_BOUNDS.bytes_max).decode(errors="replace").strip().splitlines()
    return lines[-1][:REASON_CHARS_MAX] if lines else "it said nothing"


def _read(stream: IO[bytes], bytes_max: int) -> bytes:
    stream.seek(0)
    return stream.read(bytes_max)
