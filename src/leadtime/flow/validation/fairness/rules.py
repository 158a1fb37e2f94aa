"""Fair trials, pure: honest code fails where it is starved, stopped or set up, and is clean where it is never run.

What is believed is listed; anything else is a doubt, and is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from leadtime.flow.validation.records import (
    Circumstances,
    Crash,
    Frame,
    Harness,
    Origin,
    Scene,
    SeenRun,
    ThreadSample,
)

OWN_DEFAULTS = "max_allocation_size_mb=0:hard_rss_limit_mb=0:soft_rss_limit_mb=0:mmap_limit_mb=0"
"""No limits, whatever defaults a program brings: as runtimes have them unless they are told otherwise."""
FORCED_OPTIONS: Mapping[str, str] = {
    "ASAN_OPTIONS": f"detect_leaks=0:halt_on_error=1:{OWN_DEFAULTS}",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}
"""Put behind the recipe's own, where they win: a traced program cannot look for leaks, and a report must end it."""

NODE_OPTION = "--jitless"
"""V8 then interprets, and makes no machine code (nodejs.org/api/cli.html)."""

BELIEVED_OPTIONS = frozenset(
    {
        "abort_on_error",
        "alloc_dealloc_mismatch",
        "allocator_may_return_null",
        "check_initialization_order",
        "color",
        "dedup_token_length",
        "detect_container_overflow",
        "detect_leaks",
        "detect_odr_violation",
        "detect_stack_use_after_return",
        "disable_coredump",
        "exitcode",
        "fast_unwind_on_check",
        "fast_unwind_on_fatal",
        "fast_unwind_on_malloc",
        "halt_on_error",
        "handle_abort",
        "handle_segv",
        "handle_sigbus",
        "handle_sigfpe",
        "handle_sigill",
        "handle_sigtrap",
        "history_size",
        "malloc_context_size",
        "print_legend",
        "print_scariness",
        "print_stacktrace",
        "print_summary",
        "quarantine_size_mb",
        "report_bugs",
        "report_error_type",
        "silence_unsigned_overflow",
        "strict_init_order",
        "strict_string_checks",
        "symbolize",
        "use_sigaltstack",
        "verbosity",
    }
)
"""Options of runtimes that change what is said, or find more of what is wrong; none makes right code fail."""

_SEPARATORS = re.compile(r"[\s,:]+")
_OPTION = re.compile(r"(\w+)=\w*")
_SCRIPT = re.compile(r"[;&|<>()`$\n]")
_NOT_THE_FINDERS = frozenset(
    {Origin.SUBJECT, Origin.SANITIZER, Origin.LIBC, Origin.ALLOCATOR, Origin.INTERPRETER, Origin.SIGNAL, Origin.LIBRARY}
)
WAITING: Mapping[str, str] = {"T": "was stopped by a signal"}
"""What threads do that neither have a processor nor want one, by the kernel's letter; of any other it is not told."""


def fitting_options(env: Mapping[str, str]) -> dict[str, str]:
    """Return a recipe's variables with what a run under watch needs added to the sanitizers' options."""
    forced = {name: f"{env[name]}:{options}" if env.get(name) else options for name, options in FORCED_OPTIONS.items()}
    return {**env, **forced}


def readable_options(env: Mapping[str, str]) -> dict[str, str]:
    """Return variables with what Node needs to be told so that every call of JavaScript has a frame of its own.

    Without it (a run command can take it away) what V8 has compiled is nobody's code.
    """
    return {**env, "NODE_OPTIONS": f"{env.get('NODE_OPTIONS', '')} {NODE_OPTION}".strip()}


def unfairness(given: Circumstances) -> str:
    """Return in words why honest code could fail in these circumstances; empty if it could not."""
    if given.lowered:
        return f"it ran with a lowered limit: {', '.join(given.lowered)}"
    for name, options in sorted(given.options.items()):
        for option in filter(None, _SEPARATORS.split(options.removesuffix(FORCED_OPTIONS.get(name, "")))):
            found = _OPTION.fullmatch(option)
            if found is None or found[1] not in BELIEVED_OPTIONS:
                return f"it ran with {option} in {name}, which can make honest code fail"
    if given.brings_options and not given.options.get("ASAN_OPTIONS", "").endswith(FORCED_OPTIONS["ASAN_OPTIONS"]):
        return "it sets options of the sanitizer's in code, and its run command took ours away"
    return ""


def works(samples: Sequence[ThreadSample]) -> bool:
    """Tell whether a thread used half of the time in which it could: until it was looked at, and while it was.

    It could whenever its program was let run, but for the time that it was ready and waited for a processor.

    Waiting can be arranged from outside: by who stops a process, feeds it slowly, or holds what it waits for.
    """
    first, last = samples[0], samples[-1]
    ran, waited = last.ran_ms - first.ran_ms, last.waited_ms - first.waited_ms
    until = first.ran_ms * 2 >= first.let_run_ms - first.waited_ms
    return until and ran > 0 and ran * 2 >= last.let_run_ms - first.let_run_ms - waited


def was_starved(samples: Sequence[ThreadSample]) -> bool:
    """Tell whether a thread waited for a processor longer than it ran, and for a third of its program's time.

    On a machine as busy as that nobody can tell whether it would have worked.
    """
    last = samples[-1]
    return last.waited_ms > last.ran_ms and last.waited_ms * 3 >= last.let_run_ms


def idleness(samples: Sequence[ThreadSample], fault: Frame) -> str:
    """Return in words that a thread in the subject did not work."""
    return f"its thread in {fault.text} {WAITING.get(samples[-1].state, 'did not work most of the time')}"


def was_run(crash: Crash, run: SeenRun, scene: Scene) -> bool:
    """Tell whether a run loaded what was built from the file that the ``crash`` on the other side lies in.

    A crash in code of the release's without lines is in a module that is the release's as a whole.
    """
    wanted = crash.subject_frames[0].file
    proofs = [scene.proofs[digest] for digest in run.loaded if digest in scene.proofs]
    if not wanted:
        return any(proof.is_whole for proof in proofs) or any(digest in scene.release for digest in run.loaded)
    read = {digest for proof in proofs for digest in proof.sources.values()}
    return wanted in {scene.release[digest] for digest in read | run.loaded if digest in scene.release}


def harness_of(
    files: Sequence[str], command: str, crash: Crash | None, runs: Sequence[SeenRun], scene: Scene
) -> Harness:
    """Return where a recipe's harness came from: the release itself only if all that was seen to run is the release's.

    It is its finder's if the recipe brings files, if its run command is a script, if a frame of the crash is not the
    release's or the system's, if Node acted, or if what may have come into the program as code is not made of the
    release alone.
    """
    if files or crash is None or _SCRIPT.search(command):
        return Harness.FINDER
    if any(frame.origin not in _NOT_THE_FINDERS for frame in crash.frames) or any(map(_runs_scripts, runs)):
        return Harness.FINDER
    loaded = frozenset().union(*(run.loaded | run.brought | _mapped(run) for run in runs))
    return Harness.SUBJECT if all(is_own(digest, scene) for digest in loaded) else Harness.FINDER


def _runs_scripts(run: SeenRun) -> bool:
    """Tell whether a run's acts were Node's: what it opens by itself is not told from what its program reads."""
    return any(frame.script is not None for act in run.acts for frame in act.stack.native)


def is_own(digest: str, scene: Scene) -> bool:
    """Tell whether what has this digest is a file of the release or made of such alone; what is unknown is not."""
    proof = scene.proofs.get(digest)
    return bool(digest) and (digest in scene.release or (proof is not None and proof.is_whole))


def _mapped(run: SeenRun) -> frozenset[str]:
    """Return the digests of the modules, but for the system's, that the processes on a run's stacks had mapped."""
    samples = [sample.stack for moment in run.samples for sample in moment]
    stacks = [*(report.stack for report in run.reports), *samples]
    return frozenset(module.digest for stack in stacks for module in stack.modules.values())
