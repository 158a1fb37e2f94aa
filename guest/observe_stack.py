"""Excerpts of stopped threads, and what a debugger and the interpreter's own records say of their stacks.

Taking an excerpt takes milliseconds with the process standing still; reading it comes later, many at once, since what
costs the debugger time is loading symbols.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
from collections.abc import Callable, Sequence

import observe_build
import observe_report
from observe_core import write_core
from observe_elf import is_fixed
from observe_memory import Mapping, Memory
from observe_python import Codes, PythonStack

DEBUGGER_S_MAX = 45
BOX = "/box/"
DEBUGGER = "/usr/bin/gdb"
GUEST = os.path.dirname(os.path.abspath(__file__))
SETTINGS = ("auto-load off", "debuginfod enabled off", "sysroot /nonexistent", "debug-file-directory /nonexistent")
KNOWN = "/observer/known.json"
"""What was found out beforehand: {"interpreters": {path: {"layout": {...}, "library": path}}}; may be missing."""

FramesOf = Callable[[dict[str, object]], list[list[dict[str, object]]]]
_HERE: list[FramesOf] = []
"""What this process can itself tell frames by, if it is a debugger."""


class Interpreters:
    """The interpreters whose stacks can be read, and the code that was seen on them."""

    def __init__(self) -> None:
        self.codes = Codes()
        self._known = _known()

    def knows(self, program: str) -> bool:
        """Tell whether a program is one of the interpreters."""
        return program in self._known

    def frames(self, memory: Memory, own_thread_number: int) -> list[dict[str, object]]:
        """Return a stopped thread's frames of Python, innermost first; ``code`` counts in `codes`."""
        try:
            mapping, layout = self.layout(memory)
        except KeyError:
            return []
        address = observe_report.address_of(memory, mapping, mapping.file(), "_PyRuntime")
        return PythonStack(memory, layout, address, self.codes).frames(own_thread_number)

    def layout(self, memory: Memory) -> tuple[Mapping, dict[str, int]]:
        """Return where the interpreter's code is mapped, and its measured layout; raises KeyError if none is."""
        for mapping in memory.mappings:
            known = self._known.get(mapping.file()) if mapping.is_code else None
            if known:
                places = dict(known["layout"])  # type: ignore[call-overload]
                return mapping, {str(name): int(str(value)) for name, value in places.items()}
        raise KeyError("no interpreter is mapped")


class Excerpt:
    """One thread as it stood still: its core in a nameless file, and what was mapped where.

    ``linked``: where code lies that tells debuggers nothing, but links its frames by their pointers.
    """

    def __init__(
        self, memory: Memory, tid: int, registers: tuple[int, ...], stacks: list[int], linked: range = range(0)
    ) -> None:
        # A nameless file: the watched program may write in every directory that we may.
        with open(os.memfd_create("core"), "wb", closefd=False) as core:
            write_core(core, memory, [(tid, registers)], stacks)
            self.descriptor = core.fileno()
        self.size = os.fstat(self.descriptor).st_blocks * 512
        self.linked = (linked.start, linked.stop)
        codes = [(mapping, mapping.file()) for mapping in memory.mappings if mapping.is_code and mapping.inode]
        mapped = [(mapping, file) for mapping, file in codes if file]
        self.symbols = tuple(_symbol_files(memory, mapped))
        self.modules = {
            file: _module(memory, [one for one, other in mapped if other == file], file)
            for file in {file for _, file in mapped if not is_own_place(file)}
        }
        # A file that has gone, or never had a name.
        self.modules |= {mapping.path: {"intact": False, "digest": ""} for mapping, file in codes if not file}
        self._mapped = [(mapping.start, mapping.end, file) for mapping, file in mapped]

    def close(self) -> None:
        """Let go of the core."""
        os.close(self.descriptor)

    def module_at(self, address: int) -> str:
        """Return the file whose code lay at ``address``; empty if none did."""
        return next((file for start, end, file in self._mapped if start <= address < end), "")


def read_stacks(excerpts: Sequence[Excerpt]) -> list[list[dict[str, object]]]:
    """Return each excerpt's frames of machine code, innermost first, with their modules; none where reading failed.

    Excerpts of processes that map the same files share one debugger.
    """
    stacks: list[list[dict[str, object]]] = [[] for _ in excerpts]
    for shared in dict.fromkeys((excerpt.symbols, excerpt.linked) for excerpt in excerpts):
        places = [place for place, excerpt in enumerate(excerpts) if (excerpt.symbols, excerpt.linked) == shared]
        for place, frames in zip(places, _debugged([excerpts[place] for place in places]), strict=False):
            for frame in frames:
                frame["module"] = excerpts[place].module_at(int(str(frame["pc"])))
            stacks[place] = frames
    return stacks


def digests_of(frames: Sequence[dict[str, object]], python_files: Sequence[str]) -> dict[str, str]:
    """Return the digests of what lies now where a stack's frames say that their sources are."""
    files = {*(str(frame["file"]) for frame in frames if frame.get("file")), *python_files}
    return {file: observe_build.digest_of(file) for file in sorted(files) if file.startswith(BOX)}


def read_here(frames_of: FramesOf) -> None:
    """Have every stack read by a copy of this very process, which is a debugger and knows ``frames_of`` a question."""
    _HERE.append(frames_of)


def debugger_command(*more: str) -> tuple[list[str], dict[str, str]]:
    """Return how gdb is started, and its whole environment; ``more``: arguments that say what it is to do."""
    options = [part for setting in SETTINGS for part in ("-iex", f"set {setting}")]
    command = ["gdb", f"--data-directory={GUEST}", "-nx", "-nh", "-q", "-batch", *options, *more]
    return command, {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


def _debugged(excerpts: Sequence[Excerpt]) -> list[list[dict[str, object]]]:
    """Return the frames of excerpts that map the same files; none if that fails or takes too long."""
    cores = [f"/proc/{os.getpid()}/fd/{excerpt.descriptor}" for excerpt in excerpts]
    question: dict[str, object] = {"files": excerpts[0].symbols, "linked": excerpts[0].linked, "cores": cores}
    answer = os.memfd_create("answer")
    try:
        _wait(_copied(question, answer) if _HERE else _started(question, answer))
        with open(answer, encoding="utf-8", closefd=False) as stream:
            stream.seek(0)
            return list(json.load(stream))
    except (OSError, ValueError):
        return []
    finally:
        os.close(answer)


def _started(question: dict[str, object], answer: int) -> int:
    """Start a debugger of our own; return its number."""
    asked = os.memfd_create("question")
    try:
        os.write(asked, json.dumps(question).encode())
        os.lseek(asked, 0, os.SEEK_SET)
        command, environment = debugger_command("-x", f"{GUEST}/observe_gdb.py")
        nothing = [(os.POSIX_SPAWN_OPEN, ours, os.devnull, os.O_RDWR, 0) for ours in range(3)]
        # Onto itself: it stays open.
        handed = [(os.POSIX_SPAWN_DUP2, ours, ours) for ours in (asked, answer)]
        named = {"LEADTIME_QUESTION": str(asked), "LEADTIME_ANSWER": str(answer)}
        return os.posix_spawn(DEBUGGER, command, {**environment, **named}, file_actions=[*nothing, *handed])
    finally:
        os.close(asked)


def _copied(question: dict[str, object], answer: int) -> int:
    """Have a copy of this process read the stacks, which nothing comes back from but its answer; return its number."""
    number = os.fork()
    if number == 0:
        try:
            with open(answer, "w", encoding="utf-8", closefd=False) as stream:
                json.dump(_HERE[0](question), stream)
        finally:
            os._exit(0)
    return number


def _wait(number: int) -> None:
    ended = os.pidfd_open(number)
    try:
        if not select.select([ended], [], [], DEBUGGER_S_MAX)[0]:
            os.kill(number, signal.SIGKILL)
    finally:
        os.close(ended)
    os.waitpid(number, 0)


def is_own_place(file: str) -> bool:
    """Tell whether a file lies where no program in the box can write: among the system's or the interpreter's own."""
    return file.startswith((*observe_build.SYSTEM, *_prefixes()))


@functools.cache
def _prefixes() -> tuple[str, ...]:
    return tuple(f"{os.path.dirname(os.path.dirname(program))}/" for program in _known())


def _module(memory: Memory, mappings: Sequence[Mapping], file: str) -> dict[str, object]:
    intact = all("w" not in mapping.rights and memory.is_as_on_disk(mapping, file) for mapping in mappings)
    return {"intact": intact, "digest": observe_build.digest_of(file)}


def _symbol_files(memory: Memory, mapped: Sequence[tuple[Mapping, str]]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for mapping, file in mapped:
        found.setdefault(file, 0 if is_fixed(file) else memory.base(mapping))
    return list(found.items())


def _known() -> dict[str, dict[str, object]]:
    try:
        with open(KNOWN, encoding="utf-8") as stream:
            return dict(json.load(stream)["interpreters"])
    except (OSError, ValueError, KeyError):
        return {}
