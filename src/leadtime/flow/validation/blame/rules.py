"""Whose frame is it: pure decisions about modules and stacks.

Debug information and file names are text that a recipe's author may have written. A frame is the subject's only where
each link from the release's file to the running code was seen from outside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from leadtime.flow.validation.records import (
    BuildInput,
    BuildStep,
    Frame,
    Origin,
    Proof,
    Scene,
)
from leadtime.flow.validation.stacks.records import FrameKind, NativeFrame, PythonFrame, ScriptFrame, Stack

SYSTEM_PLACES = ("/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/")
BOX = "/box/"
DOUBT_PASSES_MAX = 8
"""How often a build's steps are gone through, each time without what the last showed to be doubtful."""

SKIPPED = frozenset({Origin.SANITIZER, Origin.LIBC, Origin.ALLOCATOR, Origin.INTERPRETER, Origin.SIGNAL})
"""Origins that are never to blame: the faulting frame is the topmost one of any other."""

EVALUATOR = "_PyEval_EvalFrameDefault"
SCRIPT_EVALUATOR = "Builtins_InterpreterEntryTrampoline"
"""Of V8: each call of a function that is interpreted is a frame of it."""
UNREADABLE = Frame("(an interpreter's stack that could not be read)", "", None, Origin.UNKNOWN)

_SANITIZER = re.compile(r"lib(?:asan|ubsan|tsan|hwasan|lsan)\.so|libclang_rt\.")
_LIBC = re.compile(
    r"(?:libc|libm|libdl|librt|libpthread|libutil|libgcc_s|libstdc\+\+|libc\+\+|libc\+\+abi|libunwind|ld-linux[-\w]*)[.-]"
)
_ALLOCATOR = re.compile(r"lib(?:jemalloc|tcmalloc\w*|mimalloc\w*)[.-]")
_INTERPRETER = re.compile(r"lib(?:python|perl|ruby|node|ffi)[\d.-]")
_SYSTEM_MODULES = (
    (_SANITIZER, Origin.SANITIZER),
    (_LIBC, Origin.LIBC),
    (_ALLOCATOR, Origin.ALLOCATOR),
    (_INTERPRETER, Origin.INTERPRETER),
)
_PROGRAM_PLACES = ("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/")
_INSTALLED_PACKAGES = re.compile(r"/(?:site|dist)-packages/")


def proven_modules(steps: Sequence[BuildStep], release: Mapping[str, str]) -> dict[str, Proof]:
    """Return, by digest, each module that was linked under watch from what watched compilers made.

    What a compiler wrote is believed if nothing told it to lie, and if each of its inputs is a file of the release
    or a text that gives its own lines no other names.
    """
    doubtful: frozenset[str] = frozenset()
    for _ in range(DOUBT_PASSES_MAX):
        modules, unproven = _proven_but(doubtful, steps, release)
        if unproven <= doubtful:
            return modules
        doubtful |= unproven
    return {}


def _proven_but(
    doubtful: frozenset[str], steps: Sequence[BuildStep], release: Mapping[str, str]
) -> tuple[dict[str, Proof], frozenset[str]]:
    """Return the modules that are proven, taking nothing that is ``doubtful``, and what steps wrote without proof.

    What one step could not prove is proven by no other: who makes the same thing a hundred times, and wins a race
    against the observer once, has shown it to be doubtful ninety-nine times.
    """
    known: dict[str, Proof] = {}
    modules: dict[str, Proof] = {}
    unproven: set[str] = set()
    writers = _writers_to_pipes(steps)
    for step in steps:
        if step.kind == "drive":
            continue
        made_by = writers.get(step.order, step)
        is_honest = not any(one.failed or one.flags for one in (step, made_by))
        proof = _step_proof(made_by, known, release) if is_honest else None
        if proof is None:
            unproven.update(step.outputs)
            continue
        found = {digest: proof for digest in step.outputs if digest not in doubtful}
        known.update(found)
        if step.kind == "link":
            modules.update(found)
    return modules, frozenset(unproven)


def _writers_to_pipes(steps: Sequence[BuildStep]) -> dict[int, BuildStep]:
    """Return, for each assembler that read no file, the compiler whose text it read, if an honest driver paired them.

    A driver runs one pair after the other, so the first compiler belongs to the first assembler.
    """
    honest_drivers = {step.pid for step in steps if step.kind == "drive" and not step.flags}
    begun = sorted((step for step in steps if step.parent in honest_drivers), key=lambda step: step.order)
    pairs: dict[int, BuildStep] = {}
    for driver in honest_drivers:
        writing = [step for step in begun if step.parent == driver and step.kind == "compile" and step.is_piped]
        reading = [step for step in begun if step.parent == driver and step.kind == "assemble" and not step.inputs]
        if len(writing) == len(reading):
            pairs.update({reader.order: writer for writer, reader in zip(writing, reading, strict=True)})
    return pairs


def _step_proof(step: BuildStep, known: Mapping[str, Proof], release: Mapping[str, str]) -> Proof | None:
    if step.kind == "compile":
        if not step.inputs or any(found.digest not in release and found.has_directives for found in step.inputs):
            return None
        named = [(name, found.digest) for found in step.inputs for name in found.names]
        return Proof(all(found.digest in release for found in step.inputs), _joined(named))
    return _all([_input_proof(found, known, release) for found in step.inputs])


def _input_proof(found: BuildInput, known: Mapping[str, Proof], release: Mapping[str, str]) -> Proof | None:
    if found.digest in release:
        return Proof(is_whole=True, sources=dict.fromkeys(found.names, found.digest))
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
    """Return whose a frame of machine code is, or of the JavaScript that it runs."""
    if frame.kind is FrameKind.SIGNAL:
        return Origin.SIGNAL
    if frame.kind is FrameKind.BROKEN or not frame.module:
        return Origin.UNKNOWN
    if frame.module.startswith(BOX):
        return _origin_in_box(frame, stack, scene)
    return (
        _origin_in_system(frame.module, scene)
        if frame.script is None
        else _origin_of_script(frame.script, stack, scene)
    )


def _origin_in_system(module: str, scene: Scene) -> Origin:
    """Return whose a module outside the box is; what the program could have put there is its finder's."""
    in_library = any(module.startswith(f"{place}/") for place in scene.library_places)
    if module in scene.interpreters or (in_library and not _INSTALLED_PACKAGES.search(module)):
        return Origin.INTERPRETER
    if not module.startswith(SYSTEM_PLACES):
        return Origin.FINDER
    if module.startswith(_PROGRAM_PLACES):
        return Origin.INTERPRETER
    name = module.rpartition("/")[2]
    return next((origin for pattern, origin in _SYSTEM_MODULES if pattern.match(name)), Origin.LIBRARY)


def _origin_in_box(frame: NativeFrame, stack: Stack, scene: Scene) -> Origin:
    module = stack.modules.get(frame.module)
    if module is None or not module.is_intact:
        return Origin.UNKNOWN
    if frame.is_runtime:
        return Origin.SANITIZER
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


def _origin_of_script(script: ScriptFrame, stack: Stack, scene: Scene) -> Origin:
    """Return whose a frame of JavaScript is: of whom its script's whole text is, whatever the script is called."""
    if script.is_built_in:
        return Origin.INTERPRETER
    if any(source in scene.release for source in script.sources):
        return Origin.SUBJECT
    return Origin.UNPROVEN if stack.files.get(script.file, "") in scene.release else Origin.FINDER


def merged(stack: Stack, scene: Scene) -> tuple[Frame, ...]:
    """Return one stack of all kinds of frames: each call of an evaluator gives way to the Python or JavaScript it ran.

    If the two do not fit together, the whole stack begins with `UNREADABLE`: who runs cannot be told. That is so for a
    moment whenever the evaluator is entered or left, before or after the interpreter notes it.
    """
    evaluators = [n for n, frame in enumerate(stack.native) if is_evaluator(frame, scene)]
    entries = [n for n, frame in enumerate(stack.python) if frame.is_entry]
    unread = [frame for frame in stack.native if frame.function == SCRIPT_EVALUATOR and frame.script is None]
    if len(evaluators) != len(entries) or unread:
        return (UNREADABLE, *(_native(frame, stack, scene) for frame in stack.native))
    found: list[Frame] = []
    begin = 0
    for number, frame in enumerate(stack.native):
        found.append(_native(frame, stack, scene))
        if number in evaluators:
            end = entries[evaluators.index(number)] + 1
            found[-1:] = [_python(python, stack, scene) for python in stack.python[begin:end]]
            begin = end
    return tuple(found)


def is_evaluator(frame: NativeFrame, scene: Scene) -> bool:
    """Tell whether a frame of machine code is one call of the interpreter's evaluator."""
    return frame.function == EVALUATOR and frame.module in scene.interpreters and frame.kind is FrameKind.CALL


def _native(frame: NativeFrame, stack: Stack, scene: Scene) -> Frame:
    origin = origin_of(frame, stack, scene)
    if frame.script is not None:
        return _script(frame.script, origin, scene)
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


def _script(script: ScriptFrame, origin: Origin, scene: Scene) -> Frame:
    digest = next((source for source in script.sources if source in scene.release), "")
    return Frame(script.function or "(anonymous)", _shown_file(script.file, digest, scene), script.line, origin)


def _shown_file(file: str, digest: str, scene: Scene) -> str:
    """Return a file's path in the release if it is known to come from there, else without the box around it."""
    return scene.release.get(digest) or file.removeprefix("/box/work/").removeprefix(BOX)


def faulting_frame(frames: Iterable[Frame]) -> Frame | None:
    """Return the topmost frame outside sanitizer, libc, allocator and interpreter; None if there is none."""
    return next((frame for frame in frames if frame.origin not in SKIPPED), None)


def blame(fault: Frame | None) -> str:
    """Return in words why a faulting frame is not the subject's."""
    if fault is None:
        return "no frame of its stack is the subject's"
    if fault.origin is Origin.UNPROVEN:
        return f"its faulting frame {fault.text} could not be shown to be built from the release unchanged"
    owner = {Origin.FINDER: "the harness's", Origin.LIBRARY: "a library's"}.get(fault.origin, "of unknown code")
    return f"its faulting frame {fault.text} is {owner}, not the subject's"


def common_stack(stacks: Sequence[tuple[Frame, ...]]) -> tuple[Frame, ...]:
    """Return the outer frames that most stacks share, from the innermost subject frame that most share outwards.

    Two calls are the same where function and file are; a frame's line is where it was most often. What lies further in
    changes from one moment to the next. If most share no subject frame, the first stack stands for all.
    """
    shared: list[Frame] = []
    agreeing = [tuple(reversed(frames)) for frames in stacks]
    for depth in range(max(len(frames) for frames in stacks)):
        calls = Counter(_call(frames[depth]) for frames in agreeing if depth < len(frames))
        common = [call for call, times in calls.items() if times * 2 > len(stacks)]
        if not common:
            break
        agreeing = [frames for frames in agreeing if depth < len(frames) and [_call(frames[depth])] == common]
        shared.append(Counter(frames[depth] for frames in agreeing).most_common(1)[0][0])
    innermost = [n for n, frame in enumerate(shared) if frame.origin is Origin.SUBJECT]
    return tuple(reversed(shared[: innermost[-1] + 1])) if innermost else stacks[0]


def _call(frame: Frame) -> tuple[str, str, Origin]:
    return frame.function, frame.file, frame.origin
