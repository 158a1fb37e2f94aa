"""Which walls stand on this machine, found by trying them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from leadtime.foundation.errors import LeadtimeError
from leadtime.sandbox.apparmor import namespace_advice
from leadtime.sandbox.cgroups import open_cage
from leadtime.sandbox.filters import Layer, compile_filter
from leadtime.sandbox.guest import guest_place
from leadtime.sandbox.launch import OBSERVER_PYTHON, PATH
from leadtime.sandbox.people import ROOT, unprivileged_person
from leadtime.sandbox.records import Ending, Limits, Program, Wall, Watch
from leadtime.sandbox.run import run

PROGRAMS = {
    "bwrap": "apt install bubblewrap",
    "prlimit": "apt install util-linux",
    "gdb": "apt install gdb",
}
TRIAL_LIMITS = Limits(wall_s=20.0, memory_mib=256)
CGROUP_ADVICE = (
    "Run as root on a machine whose control groups are writable, or as a systemd service with Delegate=memory pids cpu;"
    " until then a watcher outside ends a program that passes memory_mib, a few hundredths of a second late."
)

REGISTERS_ADVICE = (
    "Use a machine, or a hypervisor, that lends a traced program the processor's debug registers (KVM does, gVisor and"
    " some virtual machines inside others do not); until then a recipe with the oracle exception is inconclusive."
)
TRIAL_S_MAX = 20


def walls(*, user: str = "nobody") -> tuple[Wall, ...]:
    """Try each wall and say whether it stands; where a needed one does not, `run` refuses to run anything.

    Takes a few tenths of a second and leaves nothing behind.
    """
    return (
        *_programs(),
        _unprivileged(user),
        _filter(),
        _box(user),
        _observer(user),
        _control_group(),
        _children_listed(),
        debug_registers(),
    )


def _programs() -> Iterator[Wall]:
    for name, advice in PROGRAMS.items():
        found = shutil.which(name, path=PATH)
        yield Wall(f"program {name}", found is not None, needed=True, detail=found or "missing", how_to_get=advice)
    yield Wall(
        "system python",
        Path(OBSERVER_PYTHON).exists(),
        needed=True,
        detail=OBSERVER_PYTHON,
        how_to_get="apt install python3",
    )


def _unprivileged(user: str) -> Wall:
    name, advice = "unprivileged user", "Name an existing unprivileged user in LEADTIME_SANDBOX_USER."
    try:
        person = unprivileged_person(user)
    except LeadtimeError as failure:
        return Wall(name, stands=False, needed=True, detail=str(failure), how_to_get=advice)
    return Wall(name, person.uid != ROOT, needed=True, detail=f"uid {person.uid}", how_to_get=advice)


def _filter() -> Wall:
    name, advice = "system-call filter", "apt install libseccomp2"
    try:
        rules = compile_filter(Layer.PROGRAM)
    except LeadtimeError as failure:
        return Wall(name, stands=False, needed=True, detail=str(failure), how_to_get=advice)
    return Wall(name, stands=True, needed=True, detail=f"{len(rules)} bytes of BPF", how_to_get=advice)


def _box(user: str) -> Wall:
    return _trial(
        "box (namespaces, read-only root, no network)",
        Program(command="test $(id -u) = 1000 && ! touch /usr/x 2>/dev/null", limits=TRIAL_LIMITS),
        user,
        advice=namespace_advice(),
    )


def _observer(user: str) -> Wall:
    return _trial(
        "observer (a box in a box, traced from outside)",
        Program(command="true", limits=TRIAL_LIMITS, watch=Watch.REPORTS),
        user,
        advice=f"Allow ptrace (kernel.yama.ptrace_scope at most 1). {namespace_advice()}",
    )


def _trial(name: str, program: Program, user: str, *, advice: str) -> Wall:
    try:
        outcome = run(program, user=user)
    except LeadtimeError as failure:
        return Wall(name, stands=False, needed=True, detail=str(failure), how_to_get=advice)
    stands = outcome.ending is Ending.EXITED and outcome.exit_code == 0
    detail = f"{outcome.duration_s * 1000:.0f} ms a run" if stands else f"the trial ended as {outcome.ending.value}"
    return Wall(name, stands, needed=True, detail=detail, how_to_get=advice)


def _control_group() -> Wall:
    cage = open_cage(f"{os.getpid()}-trial", TRIAL_LIMITS)
    if cage is None:
        detail = "none writable: memory is watched from outside, processes are counted by the kernel per box"
        return Wall("control group", stands=False, needed=False, detail=detail, how_to_get=CGROUP_ADVICE)
    cage.remove()
    detail = ", ".join(str(directory.parent) for directory in cage.directories)
    return Wall("control group", stands=True, needed=False, detail=detail, how_to_get=CGROUP_ADVICE)


def _children_listed() -> Wall:
    stands = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()
    return Wall(
        "processes listed by their parent",
        stands,
        needed=True,
        detail="/proc/PID/task/TID/children",
        how_to_get="Use a kernel with CONFIG_PROC_CHILDREN (every distribution's has it).",
    )


def why_not_lent() -> str:
    """Return why this machine lends a traced program no debug registers; empty if it does."""
    trial = f"import sys; sys.path.insert(0, {str(guest_place())!r}); import try_points; print(try_points.reason())"
    try:
        told = subprocess.run(
            [OBSERVER_PYTHON, "-I", "-S", "-B", "-c", trial],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TRIAL_S_MAX,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as failure:
        return f"the trial failed: {failure}"
    return told.stdout.strip()


def debug_registers(reason: Callable[[], str] = why_not_lent) -> Wall:
    """Tell whether exceptions can be seen here; ``reason`` says why not."""
    why = reason()
    detail = why or "lent, and they trap"
    name = "debug registers (oracle exception)"
    return Wall(name, stands=not why, needed=False, detail=detail, how_to_get=REGISTERS_ADVICE)
