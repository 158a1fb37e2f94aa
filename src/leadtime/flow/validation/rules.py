"""The decisions of validation, pure: whose frame is it, what did a run show, what is the verdict.

Everything that comes in was seen from outside the hostile process, but in a world that its author built. So the
subject is believed to have failed only where each link is shown, and every doubt is named.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from leadtime.flow.validation.records import (
    BuildInput,
    BuildStep,
    Crash,
    Fault,
    FixedSide,
    FixedWord,
    Frame,
    FrameKind,
    Harness,
    Judged,
    Limit,
    NativeFrame,
    Oracle,
    Origin,
    Proof,
    PythonFrame,
    Rate,
    RuntimeReport,
    Scene,
    SeenRun,
    Showing,
    Stack,
    ThreadSample,
    Word,
)
from leadtime.foundation.digests import Digest, digest_of_parts

Z_95 = 1.959964
"""Of the standard normal distribution, two-sided 95 %."""

SIGNATURE_FRAMES = 3
RECURSION_REPEATS = 3
SAMPLES_SHARE_MIN = 0.8
"""In how many of its samples a hanging thread must be in the subject."""

SYSTEM_PLACES = ("/usr/", "/lib/", "/lib64/")
BOX = "/box/"
SKIPPED = frozenset({Origin.SANITIZER, Origin.LIBC, Origin.ALLOCATOR, Origin.INTERPRETER, Origin.SIGNAL})
"""Origins that are never to blame: the faulting frame is the topmost one of any other."""

EVALUATOR = "_PyEval_EvalFrameDefault"
SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP = 6, 7, 8, 4, 11, 5
SIGNAL_CLASSES: Mapping[int, str] = {
    SIGABRT: "ABRT",
    SIGBUS: "BUS",
    SIGFPE: "FPE",
    SIGILL: "ILL",
    SIGSEGV: "SEGV",
    SIGTRAP: "TRAP",
}
"""As sanitizers call them (sanitizer_symbolizer_report.cpp, SignalContext::Describe)."""

_SANITIZER = re.compile(r"lib(?:asan|ubsan|tsan|hwasan|lsan)\.so|libclang_rt\.")
_LIBC = re.compile(
    r"(?:libc|libm|libdl|librt|libpthread|libutil|libgcc_s|libstdc\+\+|libc\+\+|libc\+\+abi|libunwind|ld-linux[-\w]*)[.-]"
)
_ALLOCATOR = re.compile(r"lib(?:jemalloc|tcmalloc\w*|mimalloc\w*)[.-]")
_INTERPRETER = re.compile(r"lib(?:python|perl|ruby|node|ffi)[\d.-]")
_PROGRAM_PLACES = ("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/")
_REPORTING = re.compile(
    r"__asan::(?:Report|ScopedInErrorReport)|__ubsan::(?:ScopedReport|Diag)|__ubsan_handle_|__tsan::(?:ReportRace|OutputReport)"
)
_DEADLY = re.compile(
    r"__asan::ReportDeadlySignal|__sanitizer::(?:HandleDeadlySignal|ReportDeadlySignal)|__ubsan::UBsanOnDeadlySignal"
)
_UNDEFINED = re.compile(r"__ubsan_handle_(\w+?)(?:_v\d)?(?:_abort|_minimal)*\Z")
_RACE = re.compile(r"__tsan::ReportRace")
_INSTALLED_PACKAGES = re.compile(r"/(?:site|dist)-packages/")


def wilson(hits: int, runs: int) -> Rate:
    """Return how often something showed, with its 95 % Wilson score interval (Wilson 1927), to two decimals."""
    share = hits / runs
    spread = Z_95 * math.sqrt(share * (1 - share) / runs + Z_95**2 / (4 * runs**2))
    middle = share + Z_95**2 / (2 * runs)
    scale = 1 + Z_95**2 / runs
    return Rate(hits, runs, round((middle - spread) / scale, 2), round((middle + spread) / scale, 2))


def proven_modules(steps: Sequence[BuildStep], release: Mapping[str, str]) -> dict[str, Proof]:
    """Return, by digest, each module that was linked under watch from what watched compilers made.

    What a compiler wrote is believed if nothing told it to lie, and if each of its inputs is a file of the release
    or a text that gives its own lines no other names.
    """
    honest_drivers = {step.pid for step in steps if step.kind == "drive" and not step.flags}
    known: dict[str, Proof] = {}
    modules: dict[str, Proof] = {}
    piped: dict[int, Proof] = {}
    for step in steps:
        proof = None if step.failed or step.flags or step.kind == "drive" else _step_proof(step, known, release)
        if proof is None and step.kind == "assemble" and not step.inputs and not (step.failed or step.flags):
            proof = piped.get(step.parent) if step.parent in honest_drivers else None
        if proof is None:
            continue
        if step.is_piped:
            piped[step.parent] = proof
        for output in step.outputs:
            known[output] = proof
            if step.kind == "link":
                modules[output] = proof
    return modules


def _step_proof(step: BuildStep, known: Mapping[str, Proof], release: Mapping[str, str]) -> Proof | None:
    if step.kind == "compile":
        if not step.inputs or any(found.digest not in release and found.has_directives for found in step.inputs):
            return None
        named = [(name, found.digest) for found in step.inputs for name in found.names]
        return Proof(all(found.digest in release for found in step.inputs), _joined(named))
    return _all([_input_proof(found, known, release) for found in step.inputs])


def _input_proof(found: BuildInput, known: Mapping[str, Proof], release: Mapping[str, str]) -> Proof | None:
    if found.digest in release:
        return Proof(is_whole=True, sources={name: found.digest for name in found.names})
    if found.members:
        return _all([known.get(member) for member in found.members])
    return known.get(found.digest)


def _all(proofs: Sequence[Proof | None]) -> Proof | None:
    """Return what is known of something that is made of several parts, all of which must be known."""
    sure = [proof for proof in proofs if proof is not None]
    if not sure or len(sure) < len(proofs):
        return None
    named = [pair for proof in sure for pair in proof.sources.items()]
    return Proof(all(proof.is_whole for proof in sure), _joined(named))


def _joined(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, digest in named:
        found[name] = digest if found.setdefault(name, digest) == digest else ""
    return found


def origin_of(frame: NativeFrame, stack: Stack, scene: Scene) -> Origin:
    """Return whose a frame of machine code is."""
    if frame.kind is FrameKind.SIGNAL:
        return Origin.SIGNAL
    if frame.kind is FrameKind.BROKEN or not frame.module:
        return Origin.UNKNOWN
    if frame.module.startswith(BOX):
        return _origin_in_box(frame, stack, scene)
    name = frame.module.rpartition("/")[2]
    if frame.module.startswith(SYSTEM_PLACES) and _SANITIZER.match(name):
        return Origin.SANITIZER
    if _LIBC.match(name):
        return Origin.LIBC
    if _ALLOCATOR.match(name):
        return Origin.ALLOCATOR
    in_library = any(frame.module.startswith(f"{place}/") for place in scene.library_places)
    is_program = frame.module in scene.interpreters or frame.module.startswith(_PROGRAM_PLACES)
    if is_program or _INTERPRETER.match(name) or (in_library and not _INSTALLED_PACKAGES.search(frame.module)):
        return Origin.INTERPRETER
    return Origin.LIBRARY


def _origin_in_box(frame: NativeFrame, stack: Stack, scene: Scene) -> Origin:
    module = stack.modules.get(frame.module)
    if module is None or not module.is_intact:
        return Origin.UNKNOWN
    if module.digest in scene.release:
        return Origin.SUBJECT
    proof = scene.proofs.get(module.digest)
    if not frame.file:
        return Origin.SUBJECT if proof is not None and proof.is_whole else Origin.FINDER
    if proof is not None and proof.sources.get(frame.file, "") in scene.release:
        return Origin.SUBJECT
    # The file lies there unchanged, but was it what was compiled?
    return Origin.UNPROVEN if stack.files.get(frame.file, "") in scene.release else Origin.FINDER


def origin_of_python(frame: PythonFrame, stack: Stack, scene: Scene) -> Origin:
    """Return whose a frame of Python is; code that is not what its file compiles to is its finder's."""
    in_library = any(frame.file.startswith(f"{place}/") for place in scene.library_places)
    if frame.file.startswith("<frozen ") or (in_library and not _INSTALLED_PACKAGES.search(frame.file)):
        return Origin.INTERPRETER if frame.is_genuine else Origin.FINDER
    if stack.files.get(frame.file, "") not in scene.release:
        return Origin.FINDER
    return Origin.SUBJECT if frame.is_genuine else Origin.UNPROVEN


def merged(stack: Stack, scene: Scene) -> tuple[Frame, ...]:
    """Return one stack of both kinds of frames: each call of the evaluator in C gives way to the Python it ran.

    If the two do not fit together, the whole stack begins with a frame of unknown origin: who runs cannot be told.
    """
    evaluators = [n for n, frame in enumerate(stack.native) if _is_evaluator(frame, scene)]
    entries = [n for n, frame in enumerate(stack.python) if frame.is_entry]
    if len(evaluators) != len(entries):
        unreadable = Frame("(an interpreter's stack that could not be read)", "", None, Origin.UNKNOWN)
        return (unreadable, *(_native(frame, stack, scene) for frame in stack.native))
    found: list[Frame] = []
    begin = 0
    for number, frame in enumerate(stack.native):
        found.append(_native(frame, stack, scene))
        if number in evaluators:
            end = entries[evaluators.index(number)] + 1
            found[-1:] = [_python(python, stack, scene) for python in stack.python[begin:end]]
            begin = end
    return tuple(found)


def _is_evaluator(frame: NativeFrame, scene: Scene) -> bool:
    return frame.function == EVALUATOR and frame.module in scene.interpreters and frame.kind is FrameKind.CALL


def _native(frame: NativeFrame, stack: Stack, scene: Scene) -> Frame:
    origin = origin_of(frame, stack, scene)
    function = "<signal>" if origin is Origin.SIGNAL else frame.function or "??"
    if origin in SKIPPED:
        return Frame(function, "", None, origin)
    proof = scene.proofs.get(stack.modules[frame.module].digest) if origin is Origin.SUBJECT else None
    digest = proof.sources.get(frame.file, "") if proof is not None else ""
    return Frame(function, _shown_file(frame.file, digest, scene), frame.line if frame.file else None, origin)


def _python(frame: PythonFrame, stack: Stack, scene: Scene) -> Frame:
    origin = origin_of_python(frame, stack, scene)
    digest = stack.files.get(frame.file, "") if origin is Origin.SUBJECT else ""
    return Frame(frame.function or "??", _shown_file(frame.file, digest, scene), frame.line, origin)


def _shown_file(file: str, digest: str, scene: Scene) -> str:
    """Return a file's path in the release if it is known to come from there, else without the box around it."""
    return scene.release.get(digest) or file.removeprefix("/box/work/").removeprefix(BOX)


def faulting_frame(frames: Iterable[Frame]) -> Frame | None:
    """Return the topmost frame outside sanitizer, libc, allocator and interpreter; None if there is none."""
    return next((frame for frame in frames if frame.origin not in SKIPPED), None)


def judge_run(oracle: Oracle, run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed under ``oracle``."""
    if oracle is Oracle.HANG:
        return _judge_hang(run, scene)
    return _judge_sanitizer(run, scene)


def _judge_sanitizer(run: SeenRun, scene: Scene) -> Judged:
    judged = [_judge_report(report, scene) for report in run.reports]
    for wanted in (Showing.HIT, Showing.FOREIGN):
        for found in judged:
            if found.showing is wanted:
                return found
    if run.claims_report:
        return Judged(Showing.FORGED, "the output holds a sanitizer's report, but no runtime was seen making one")
    return _quiet(run)


def _quiet(run: SeenRun) -> Judged:
    if run.limit is not None:
        return Judged(Showing.STOPPED, f"{run.limit} was reached")
    if run.signal is not None:
        name = SIGNAL_CLASSES.get(run.signal, f"signal {run.signal}")
        return Judged(Showing.QUIET, f"the program ended by {name} without a sanitizer's report")
    return Judged(Showing.QUIET, "nothing was seen")


def _judge_report(report: RuntimeReport, scene: Scene) -> Judged:
    reporting = [
        frame
        for frame in report.stack.native
        if origin_of(frame, report.stack, scene) is Origin.SANITIZER and _REPORTING.match(_plain(frame.function))
    ]
    if not reporting:
        return Judged(Showing.QUIET, "a sanitizer's runtime ended the process without a report")
    is_deadly = any(_DEADLY.match(_plain(frame.function)) for frame in report.stack.native)
    if is_deadly and not is_kernels(report.fault, report.stack):
        return Judged(
            Showing.FOREIGN, "the sanitizer reported a signal that a process sent, not a fault of the kernel's"
        )
    frames = merged(report.stack, scene)
    crash_class, access = _class_of(report, reporting, is_deadly=is_deadly)
    return _judge_frames(frames, crash_class, access)


def is_kernels(fault: Fault | None, stack: Stack) -> bool:
    """Tell whether a fault is one that the kernel raised, at the very place that the stack says.

    An abort is always sent, by the process to itself; it is believed as such.
    """
    if fault is None:
        return False
    if fault.signal == SIGABRT:
        return True
    after = [b.pc for a, b in zip(stack.native, stack.native[1:], strict=False) if a.kind is FrameKind.SIGNAL]
    return fault.code > 0 and fault.pc in after


def _class_of(report: RuntimeReport, reporting: Sequence[NativeFrame], *, is_deadly: bool) -> tuple[str, str]:
    """Return class and access in the sanitizer's own words."""
    if is_deadly and report.fault is not None:
        if report.description == "stack-overflow":
            return "stack-overflow", ""
        access = next(
            ("WRITE" if f.is_write else "READ" for f in report.stack.native if f.kind is FrameKind.SIGNAL), ""
        )
        return SIGNAL_CLASSES.get(report.fault.signal, "UNKNOWN"), access if report.fault.signal == SIGSEGV else ""
    if report.access_class:
        return report.access_class, f"{'WRITE' if report.is_write else 'READ'} {report.access_bytes}"
    if report.description:
        return report.description, ""
    for frame in reporting:
        name = _plain(frame.function)
        if undefined := _UNDEFINED.match(name):
            return undefined[1].replace("_", "-"), ""
        if _RACE.match(name):
            return "data-race", ""
    return "undefined-behavior", ""


def _judge_frames(frames: tuple[Frame, ...], crash_class: str, access: str) -> Judged:
    fault = faulting_frame(frames)
    if fault is not None and fault.origin is Origin.SUBJECT:
        crash = Crash(crash_class, access, frames, signature_of(crash_class, frames))
        return Judged(Showing.HIT, f"{crash_class} in {fault.text}", crash)
    return Judged(Showing.FOREIGN, f"{crash_class}, but {blame(fault)}")


def blame(fault: Frame | None) -> str:
    """Return in words why a faulting frame is not the subject's."""
    if fault is None:
        return "no frame of its stack is the subject's"
    if fault.origin is Origin.UNPROVEN:
        return f"its faulting frame {fault.text} could not be shown to be built from the release unchanged"
    owner = {Origin.FINDER: "the harness's", Origin.LIBRARY: "a library's"}.get(fault.origin, "of unknown code")
    return f"its faulting frame {fault.text} is {owner}, not the subject's"


def _judge_hang(run: SeenRun, scene: Scene) -> Judged:
    if run.limit is not Limit.TIME:
        if run.claims_report:
            return Judged(Showing.FORGED, "the output holds a sanitizer's report, but the run did not reach its limit")
        return _quiet(run)
    threads: dict[tuple[int, int], list[ThreadSample]] = {}
    for moment in run.samples:
        for sample in moment:
            threads.setdefault((sample.process, sample.thread), []).append(sample)
    blamed = "no thread of it was in the subject"
    for (process, thread), samples in sorted(threads.items()):
        stacks = [merged(sample.stack, scene) for sample in samples]
        faults = [faulting_frame(frames) for frames in stacks]
        inside = [frames for frames, fault in zip(stacks, faults, strict=True) if _is_subjects(fault)]
        is_busy = samples[-1].cpu_ticks > samples[0].cpu_ticks
        if len(inside) >= SAMPLES_SHARE_MIN * len(run.samples) and (process == thread or is_busy):
            common = common_stack(inside)
            crash = Crash("timeout", "", common, signature_of("timeout", common))
            return Judged(Showing.HIT, f"timeout in {next(f for f in common if _is_subjects(f)).text}", crash)
        others = [fault for fault in faults if fault is not None and not _is_subjects(fault)]
        if others and (is_busy or process == thread):
            blamed = blame(others[0])
    return Judged(Showing.FOREIGN, f"timeout, but {blamed}")


def _is_subjects(frame: Frame | None) -> bool:
    return frame is not None and frame.origin is Origin.SUBJECT


def common_stack(stacks: Sequence[tuple[Frame, ...]]) -> tuple[Frame, ...]:
    """Return the outer frames that all stacks share, from the innermost subject frame that all share outwards.

    Two calls are the same where function and file are; where the lines differ, the frame has none. What lies further
    in changes from one moment to the next. If the stacks share no subject frame, the first stack stands for all.
    """
    shared: list[Frame] = []
    for level in zip(*(reversed(frames) for frames in stacks), strict=False):
        if len({(frame.function, frame.file, frame.origin) for frame in level}) > 1:
            break
        first = level[0]
        line = first.line if len({frame.line for frame in level}) == 1 else None
        shared.append(Frame(first.function, first.file, line, first.origin))
    innermost = [n for n, frame in enumerate(shared) if frame.origin is Origin.SUBJECT]
    return tuple(reversed(shared[: innermost[-1] + 1])) if innermost else stacks[0]


def signature_of(crash_class: str, frames: Sequence[Frame]) -> Digest:
    """Return a digest over the class and the first subject frames without lines.

    A recursion may run out of stack in any of its functions, so there it is taken over those that recur, sorted.
    """
    names = [_plain(frame.function) for frame in frames if frame.origin is Origin.SUBJECT]
    recurring = sorted(name for name, times in Counter(names).items() if times >= RECURSION_REPEATS)
    chosen = recurring if crash_class == "stack-overflow" and recurring else names[:SIGNATURE_FRAMES]
    return digest_of_parts(("leadtime.signature/1", crash_class, *chosen))


def _plain(function: str) -> str:
    """Return a function's name without its parameters."""
    return function.partition("(")[0].strip()


def conclude(build_failure: str, control: Judged | None, judged: Sequence[Judged]) -> tuple[Word, str, Crash | None]:
    """Return the verdict on the vulnerable release, why, and the crash that showed most often."""
    if build_failure:
        return Word.INCONCLUSIVE, build_failure, None
    if control is not None and (control.showing is not Showing.QUIET or control.reason != "nothing was seen"):
        return Word.HARNESS_FAULT, f"the control input is not clean: {control.reason}", None
    crashes = [found.crash for found in judged if found.crash is not None]
    if crashes:
        often = Counter(crash.signature for crash in crashes).most_common(1)[0][0]
        crash = next(crash for crash in crashes if crash.signature == often)
        reason = next(found.reason for found in judged if found.crash is crash)
        return Word.REPRODUCED, reason, crash
    for showing, word in _WITHOUT_HIT:
        for found in judged:
            if found.showing is showing:
                return word, found.reason, None
    return Word.NOT_REPRODUCED, judged[0].reason, None


_WITHOUT_HIT = (
    (Showing.FOREIGN, Word.HARNESS_FAULT),
    (Showing.FORGED, Word.HARNESS_FAULT),
    (Showing.STOPPED, Word.INCONCLUSIVE),
)
"""What decides, in this order, when no run showed the flaw in the subject."""


def judge_fixed(build_failure: str, judged: Sequence[Judged], crash: Crash | None) -> FixedSide:
    """Return what the fixed release showed, next to the ``crash`` that the vulnerable one showed."""
    if build_failure or crash is None or not judged:
        reason = build_failure or ("the flaw did not show in the vulnerable release" if judged else "no fixed release")
        return FixedSide(FixedWord.NOT_CHECKED, reason, 0, 0)
    failed = [found for found in judged if found.showing is not Showing.QUIET or found.reason != "nothing was seen"]
    if not failed:
        return FixedSide(FixedWord.CLEAN, "nothing was seen", len(judged), 0)
    same = [found for found in failed if found.crash is not None and found.crash.signature == crash.signature]
    if same:
        return FixedSide(FixedWord.STILL_FAILS, same[0].reason, len(judged), len(same))
    return FixedSide(FixedWord.FAILS_OTHERWISE, failed[0].reason, len(judged), len(failed))


_CLAIM = re.compile(
    rb"(?:ERROR|WARNING): (?:Address|HWAddress|Memory|Thread|UndefinedBehavior)Sanitizer|(?:Address|HWAddress)Sanitizer:DEADLYSIGNAL"
    rb"|SUMMARY: (?:(?:HWAddress|Memory|Thread|UndefinedBehavior)Sanitizer:|AddressSanitizer: (?!\d+ byte\(s\) leaked))"
)


def claims_report(output: bytes) -> bool:
    """Tell whether an output holds text that only a sanitizer's report should; leaks do not count."""
    return _CLAIM.search(output) is not None


FORCED_OPTIONS: Mapping[str, str] = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}
"""Put behind the recipe's own options, where they win: a traced program cannot look for leaks, and a report must end it."""


def fitting_options(env: Mapping[str, str]) -> dict[str, str]:
    """Return a recipe's variables with what a run under watch needs added to the sanitizers' options."""
    forced = {name: f"{env[name]}:{options}" if env.get(name) else options for name, options in FORCED_OPTIONS.items()}
    return {**env, **forced}


_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def plain_input_name(name: str) -> str:
    """Return the name that an input gets in the box: its own last part if that is plain, so that it needs no quoting."""
    last = name.rpartition("/")[2]
    return last if _PLAIN_NAME.match(last) else "input"


def harness_of(files: Sequence[str]) -> Harness:
    """Return where a recipe's harness came from: its finder if it brings files, else the release itself."""
    return Harness.FINDER if files else Harness.SUBJECT
