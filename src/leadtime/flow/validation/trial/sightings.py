"""Reads what the observer wrote into records, strictly: it watched hostile code, and may have been deceived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from leadtime.flow.validation.acts.records import Act, ActKind, ProgramEnd
from leadtime.flow.validation.network.records import NetworkAttempt
from leadtime.flow.validation.records import (
    BuildInput,
    BuildStep,
    Circumstances,
    RuntimeReport,
    ThreadSample,
)
from leadtime.flow.validation.stacks.records import (
    Fault,
    FrameKind,
    Module,
    NativeFrame,
    PythonFrame,
    RaisedException,
    ScriptFrame,
    Stack,
)
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

BOUNDS = JsonBounds(bytes_max=64 << 20, depth_max=24, values_max=16_000_000)
TEXT_CHARS_MAX = 4096
ATTEMPTS_MAX = 256
WRITE_BIT = 2
"""Of a page fault's error code (x86-64)."""


@dataclass(frozen=True, slots=True)
class Code:
    """One Python code object as it was in memory: enough to tell whether its file compiles to it."""

    file: str
    name: str
    first_line: int
    table: str
    code: str
    values: str
    """A digest of names, constants and shape."""


IsGenuine = Callable[[Code], bool]
_Known = tuple[tuple[Code, bool], ...]
"""Each code that a run's frames count in, and whether its file compiles to it."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """What one watched run showed, not yet judged.

    ``codes`` is every piece of Python code that lay on a stack; ``brought``: see `SeenRun`.
    """

    reports: tuple[Json, ...] = ()
    samples: tuple[tuple[Json, ...], ...] = ()
    codes: tuple[Code, ...] = ()
    modules: tuple[str, ...] = ()
    imports: tuple[Json, ...] = ()
    brought: frozenset[str] = frozenset()
    raised: tuple[Json, ...] = ()
    unwatched: str = ""
    network: tuple[NetworkAttempt, ...] = ()
    acts: tuple[Json, ...] = ()
    ends: tuple[Json, ...] = ()

    def read_reports(self, is_genuine: IsGenuine) -> tuple[RuntimeReport, ...]:
        """Return the reports of runtimes."""
        known = self._known(is_genuine)
        return tuple(_report(report, known) for report in self.reports)

    def read_samples(self, is_genuine: IsGenuine) -> tuple[tuple[ThreadSample, ...], ...]:
        """Return the stacks at the limit, moment by moment."""
        known = self._known(is_genuine)
        return tuple(tuple(_sample(sample, known) for sample in moment) for moment in self.samples)

    def read_raised(self, is_genuine: IsGenuine) -> tuple[RaisedException, ...]:
        """Return the exceptions that ended a program."""
        known = self._known(is_genuine)
        return tuple(_raised(raised, known) for raised in self.raised)

    def read_acts(self, is_genuine: IsGenuine) -> tuple[Act, ...]:
        """Return what the program did that a harmless input should not bring about."""
        known = self._known(is_genuine)
        return tuple(_act(act, known) for act in self.acts)

    def read_ends(self, is_genuine: IsGenuine) -> tuple[ProgramEnd, ...]:
        """Return the programs that ended by an exit code."""
        known = self._known(is_genuine)
        return tuple(_end(end, known) for end in self.ends)

    def read_loaded(self, is_genuine: IsGenuine) -> frozenset[str]:
        """Return the digests of the modules that were mapped, and of the sources that the import system read."""
        known = self._known(is_genuine)
        return frozenset(self.modules).union(*(_import(item, known) for item in self.imports))

    def _known(self, is_genuine: IsGenuine) -> _Known:
        return tuple((code, is_genuine(code)) for code in self.codes)


def read_sightings(raw: bytes) -> Sightings:
    """Return the sightings of a run; raises `Malformed` for what no observer of ours writes."""
    value = read_json(raw, BOUNDS)
    samples = tuple(tuple(_list(moment)) for moment in _list(_member(value, "samples")))
    codes = tuple(_code(code) for code in _list(_member(value, "codes")))
    return Sightings(
        reports=tuple(_list(_member(value, "reports"))),
        samples=samples,
        codes=codes,
        modules=_texts(_member(value, "modules")),
        imports=tuple(_list(_member(value, "imports"))),
        brought=frozenset(_texts(_member(value, "brought"))),
        raised=tuple(_list(_member(value, "raised"))),
        unwatched=_text(_member(value, "unwatched")),
        network=_network(value),
        acts=tuple(_list(_member(value, "acts"))),
        ends=tuple(_list(_member(value, "ends"))),
    )


@dataclass(frozen=True, slots=True)
class BuildSightings:
    """What one watched build showed: the steps of its tools, and who tried the network."""

    steps: tuple[BuildStep, ...] = ()
    network: tuple[NetworkAttempt, ...] = ()


def read_build(raw: bytes) -> BuildSightings:
    """Return the sightings of a build; raises `Malformed` for what no observer of ours writes."""
    value = read_json(raw, BOUNDS)
    return BuildSightings(tuple(_step(step) for step in _list(_member(value, "steps"))), _network(value))


def _network(value: Json) -> tuple[NetworkAttempt, ...]:
    return tuple(_attempt(attempt) for attempt in _list(_member(value, "network"))[:ATTEMPTS_MAX])


def _attempt(value: Json) -> NetworkAttempt:
    return NetworkAttempt(
        call=_text(_member(value, "call")),
        transport=_text(_member(value, "transport")),
        family=_text(_member(value, "family")),
        address=_text(_member(value, "address")),
        port=_number(_member(value, "port")),
        times=_number(_member(value, "times")),
    )


def _step(value: Json) -> BuildStep:
    return BuildStep(
        kind=_text(_member(value, "kind")),
        pid=_number(_member(value, "pid")),
        parent=_number(_member(value, "parent")),
        order=_number(_member(value, "order")),
        inputs=tuple(_input(item) for item in _list(_member(value, "inputs"))),
        outputs=_texts(_member(value, "outputs")),
        flags=_texts(_member(value, "flags")),
        is_piped=_member(value, "piped") is True,
        failed=_member(value, "failed") is not False,
    )


def _input(value: Json) -> BuildInput:
    return BuildInput(
        names=_texts(_member(value, "names")),
        digest=_text(_member(value, "digest")),
        has_directives=_member(value, "directives") is not False,
        members=_texts(_member(value, "members")),
    )


def _import(value: Json, known: _Known) -> frozenset[str]:
    """Return what was read, unless the code that read it was only called like the import system's."""
    place = _number(_member(value, "code"))
    if not -1 <= place < len(known):
        raise _wrong("an importer's code")
    is_believed = place < 0 or known[place][1]
    return frozenset((_text(_member(value, "digest")),)) if is_believed else frozenset()


def _report(value: Json, known: _Known) -> RuntimeReport:
    fault, error = _member(value, "fault"), _member(value, "error")
    told: Mapping[str, Json] = error if isinstance(error, dict) else {}
    return RuntimeReport(
        stack=_stack(value, known),
        fault=None if fault is None else _fault(fault),
        description=_text(told.get("description", "")),
        access_class=_text(told.get("class", "")),
        access_bytes=_number(told.get("size", 0)),
        is_write=told.get("write") is True,
        circumstances=_circumstances(value),
    )


def _raised(value: Json, known: _Known) -> RaisedException:
    return RaisedException(
        ending=_number(_member(value, "ending")),
        name=_text(_member(value, "name")),
        ancestors=_texts(_member(value, "ancestors")),
        doubts=_texts(_member(value, "doubts")),
        lowered=_texts(_member(value, "lowered")),
        recursion_limit=_number(_member(value, "recursion_limit")),
        stack=_stack(value, known),
    )


def _act(value: Json, known: _Known) -> Act:
    try:
        kind = ActKind(_text(_member(value, "kind")))
    except ValueError:
        raise _wrong("an act's kind") from None
    stack, then = _member(value, "stack"), _member(value, "then")
    return Act(
        kind=kind,
        what=_text(_member(value, "what")),
        program=_text(_member(stack, "program")),
        stack=_stack(stack, known),
        then=None if then is None else _stack(then, known),
    )


def _end(value: Json, known: _Known) -> ProgramEnd:
    stack, opened = _member(value, "stack"), _member(value, "opened")
    return ProgramEnd(
        code=_number(_member(value, "code")),
        program=_text(_member(stack, "program")),
        lowered=_texts(_member(value, "lowered")),
        opened=None if opened is None else _texts(opened),
        stack=_stack(stack, known),
    )


def _circumstances(value: Json) -> Circumstances:
    options = _member(value, "options")
    if not isinstance(options, dict):
        raise _wrong("options")
    return Circumstances(
        lowered=_texts(_member(value, "lowered")),
        options={name: _long_text(text) for name, text in options.items()},
        brings_options=_member(value, "brings_options") is not False,
    )


def _fault(value: Json) -> Fault:
    return Fault(_number(_member(value, "signal")), _number(_member(value, "code")), _number(_member(value, "pc")))


def _sample(value: Json, known: _Known) -> ThreadSample:
    return ThreadSample(
        process=_number(_member(value, "pid")),
        thread=_number(_member(value, "thread")),
        state=_text(_member(value, "state")),
        ran_ms=_number(_member(value, "ran_ms")),
        waited_ms=_number(_member(value, "waited_ms")),
        let_run_ms=_number(_member(value, "let_run_ms")),
        stack=_stack(value, known),
    )


def _stack(value: Json, known: _Known) -> Stack:
    modules, files = _member(value, "modules"), _member(value, "files")
    if not isinstance(modules, dict) or not isinstance(files, dict):
        raise _wrong("a stack")
    return Stack(
        native=tuple(_native(frame) for frame in _list(_member(value, "frames"))),
        python=tuple(_python(frame, known) for frame in _list(_member(value, "python"))),
        modules={name: _module(module) for name, module in modules.items()},
        files={name: _text(digest) for name, digest in files.items()},
    )


def _module(value: Json) -> Module:
    return Module(_text(_member(value, "digest")), _member(value, "intact") is True)


def _native(value: Json) -> NativeFrame:
    try:
        kind = FrameKind(_text(_member(value, "kind")))
    except ValueError:
        raise _wrong("a frame's kind") from None
    found: Mapping[str, Json] = value if isinstance(value, dict) else {}
    line = found.get("line")
    return NativeFrame(
        kind=kind,
        pc=_number(found.get("pc")),
        function=_text(found.get("function") or ""),
        file=_text(found.get("file") or ""),
        line=_number(line) if line else None,
        module=_text(found.get("module") or ""),
        is_write=bool(_number(found.get("error", 0)) & WRITE_BIT),
        is_runtime=found.get("runtime") is True,
        calls=_text(found.get("calls") or ""),
        script=_script(found["script"]) if "script" in found else None,
    )


def _script(value: Json) -> ScriptFrame:
    line = _member(value, "line")
    return ScriptFrame(
        function=_text(_member(value, "function")),
        file=_text(_member(value, "file")),
        line=None if line is None else _number(line),
        sources=_texts(_member(value, "sources")),
        is_built_in=_member(value, "built_in") is True,
    )


def _python(value: Json, known: _Known) -> PythonFrame:
    line, place = _member(value, "line"), _number(_member(value, "code"))
    if not 0 <= place < len(known):
        raise _wrong("a frame's code")
    code, is_genuine = known[place]
    return PythonFrame(
        function=code.name,
        file=code.file,
        line=None if line is None else _number(line),
        is_entry=_member(value, "entry") is True,
        is_genuine=is_genuine,
    )


def _code(value: Json) -> Code:
    return Code(
        file=_text(_member(value, "file")),
        name=_text(_member(value, "function")),
        first_line=_number(_member(value, "first_line")),
        table=_long_text(_member(value, "table")),
        code=_long_text(_member(value, "code")),
        values=_text(_member(value, "values")),
    )


def _member(value: Json, name: str) -> Json:
    if not isinstance(value, dict) or name not in value:
        raise _wrong(name)
    return value[name]


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise _wrong("a list")
    return value


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _text(value: Json) -> str:
    return _long_text(value)[:TEXT_CHARS_MAX]


def _long_text(value: Json) -> str:
    if not isinstance(value, str):
        raise _wrong("a text")
    return value


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong("a number")
    return value


def _wrong(what: str) -> Malformed:
    return Malformed(f"the observer's answer is broken at {what}", where="sightings", next_step="Run it again.")
