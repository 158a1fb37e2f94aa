"""Makes what an observer could have seen, for tests of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadtime.flow.validation.records import (
    BuildInput,
    BuildStep,
    Frame,
    Origin,
    Proof,
    Scene,
)
from leadtime.flow.validation.stacks.records import FrameKind, Module, NativeFrame, PythonFrame, Stack

ASAN = "/usr/lib/x86_64-linux-gnu/libasan.so.8.0.0"
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
PYTHON = "/usr/bin/python3.11"
TARGET = "/box/work/target"
SOURCE = "/box/src/lib/brittle.c"
HARNESS = "/box/work/harness.c"
PACKAGE = "/box/src/brittle/__init__.py"
STDLIB = "/usr/lib/python3.11"

RELEASE = {"d:brittle.c": "lib/brittle.c", "d:package": "brittle/__init__.py", "d:shipped.so": "lib/shipped.so"}
SCENE = Scene(
    release=RELEASE,
    proofs={"d:target": Proof(is_whole=False, sources={SOURCE: "d:brittle.c", HARNESS: "d:harness.c"})},
    interpreters=frozenset({PYTHON}),
    library_places=(STDLIB,),
)
MODULES = {
    ASAN: Module("", is_intact=True),
    LIBC: Module("", is_intact=True),
    PYTHON: Module("", is_intact=True),
    TARGET: Module("d:target", is_intact=True),
}
FILES = {SOURCE: "d:brittle.c", HARNESS: "d:harness.c", PACKAGE: "d:package", "/box/work/h.py": "d:h.py"}


def native(
    function: str,
    module: str,
    file: str = "",
    line: int | None = None,
    *,
    kind: FrameKind = FrameKind.CALL,
    pc: int = 1,
) -> NativeFrame:
    """Return a frame of machine code."""
    return NativeFrame(kind, pc, function, file, line, module)


def asan(function: str) -> NativeFrame:
    """Return a frame of the runtime."""
    return native(function, ASAN)


DIE = asan("__sanitizer::Die")
GENERIC = asan("__asan::ReportGenericError(unsigned long)")
DEADLY = asan("__asan::ReportDeadlySignal(__sanitizer::SignalContext const&)")
SIGNAL = native("", LIBC, kind=FrameKind.SIGNAL)
SUBJECT = replace(native("read_one", TARGET, SOURCE, 5), calls="__asan_report_load1@plt")
OUTER = replace(native("brittle_sum", TARGET, SOURCE, 13), calls="read_one")
FINDERS = native("main", TARGET, HARNESS, 8)
START = native("__libc_start_main", LIBC)
EVALUATOR = native("_PyEval_EvalFrameDefault", PYTHON)


def python(function: str, file: str, line: int = 3, *, entry: bool = False, genuine: bool = True) -> PythonFrame:
    """Return a frame of Python."""
    return PythonFrame(function, file, line, entry, genuine)


def stack(
    *frames: NativeFrame, python: tuple[PythonFrame, ...] = (), modules: Mapping[str, Module] | None = None
) -> Stack:
    """Return a stack in the usual world."""
    return Stack(frames, python, modules or MODULES, FILES)


def frame(function: str, file: str = "lib/brittle.c", line: int | None = 5, origin: Origin = Origin.SUBJECT) -> Frame:
    """Return a frame of a merged stack."""
    return Frame(function, file, line, origin)


def read(digest: str, *names: str, directives: bool = False, members: tuple[str, ...] = ()) -> BuildInput:
    """Return a file that a tool read."""
    return BuildInput(names, digest, directives, members)


def step(
    kind: str,
    inputs: tuple[BuildInput, ...] = (),
    outputs: tuple[str, ...] = (),
    *,
    pid: int = 10,
    parent: int = 1,
    order: int = 0,
    flags: tuple[str, ...] = (),
    piped: bool = False,
    failed: bool = False,
) -> BuildStep:
    """Return a step of a build."""
    return BuildStep(kind, pid, parent, order, inputs, outputs, flags, piped, failed)
