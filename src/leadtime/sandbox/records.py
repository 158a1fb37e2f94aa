"""What is asked of the sandbox and what it tells: plain values, no decisions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from leadtime.foundation.errors import Malformed

MEBIBYTE_BYTES = 1 << 20

WORK_DIRECTORY = "/box/work"
"""Where every program starts; the same for every run, so that nothing tells it which version it is."""

OBSERVER_DIRECTORY = "/observer"
"""What only the observer sees; an empty read-only directory to the program it watches."""

COMMAND_BYTES_MAX = 100_000
ENVIRONMENT_BYTES_MAX = 100_000
VARIABLES_MAX = 1000
MOUNTS_MAX = 64


class Watch(Enum):
    """What the observer outside the program looks for while it runs."""

    NOTHING = "nothing"
    REPORTS = "reports"
    RAISES = "raises"
    STACKS_AT_LIMIT = "stacks_at_limit"
    ACTS = "acts"
    ENDS = "ends"
    BUILDS = "builds"


class Ending(Enum):
    """How a run ended; every ending but the first two was the sandbox's doing."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_FLOOD = "output_flood"
    DISK_FULL = "disk_full"
    OBSERVER_LOST = "observer_lost"


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of this machine, shown to the program at ``target`` (absolute, normalised).

    A writable source must be used by one run at a time: as root, its owner becomes the sandbox's user.
    """

    source: Path
    target: str
    writable: bool = False

    def __post_init__(self) -> None:
        target = PurePosixPath(self.target)
        if not target.is_absolute() or str(target) != self.target or ".." in target.parts or self.target == "/":
            raise Malformed("a mount's target must be a normalised absolute path below the root", where=self.target)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. Every field is a wall: reaching it ends the run or refuses the program's request.

    ``disk_mib`` and ``files_max`` count over all writable mounts; ``scratch_mib`` is the size of the private /tmp.
    ``output_bytes_max`` counts stdout and stderr together, kept or not.
    """

    wall_s: float
    memory_mib: int
    pids_max: int = 256
    output_bytes_max: int = 64 * MEBIBYTE_BYTES
    disk_mib: int = 4096
    files_max: int = 200_000
    scratch_mib: int = 512
    cpu_cores: float | None = None

    def __post_init__(self) -> None:
        for name in ("wall_s", "memory_mib", "pids_max", "output_bytes_max", "disk_mib", "files_max", "scratch_mib"):
            if not getattr(self, name) > 0:
                raise Malformed("a limit must be above zero", where=name, next_step="Give a larger number.")
        if self.cpu_cores is not None and not self.cpu_cores > 0:
            raise Malformed("a limit must be above zero", where="cpu_cores", next_step="Give a larger number.")


@dataclass(frozen=True, slots=True)
class Program:
    """One hostile program: a line for ``sh``, run in `WORK_DIRECTORY`, and all that it may see and use.

    ``observer_mounts`` lie under `OBSERVER_DIRECTORY` and are hidden from the program.
    """

    command: str
    limits: Limits
    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    watch: Watch = Watch.NOTHING
    observer_mounts: tuple[Mount, ...] = ()

    def __post_init__(self) -> None:
        if "\0" in self.command or len(os.fsencode(self.command)) > COMMAND_BYTES_MAX:
            raise Malformed(
                f"the command has a NUL or more than {COMMAND_BYTES_MAX} bytes",
                where="command",
                next_step="Put the long part into a file.",
            )
        _check_environment(self.env)
        _check_mounts(self.mounts, self.observer_mounts)


def _check_environment(env: Mapping[str, str]) -> None:
    if any(not name or "=" in name or "\0" in name + value for name, value in env.items()):
        raise Malformed("an environment variable's name or value cannot be set", where="env")
    size = sum(len(os.fsencode(name + value)) for name, value in env.items())
    if size > ENVIRONMENT_BYTES_MAX or len(env) > VARIABLES_MAX:
        raise Malformed(
            f"the environment has more than {VARIABLES_MAX} variables or {ENVIRONMENT_BYTES_MAX} bytes", where="env"
        )


def _check_mounts(mounts: tuple[Mount, ...], observer_mounts: tuple[Mount, ...]) -> None:
    if len(mounts) + len(observer_mounts) > MOUNTS_MAX:
        raise Malformed(f"a program has at most {MOUNTS_MAX} mounts", where="mounts")
    for mount in observer_mounts:
        if mount.writable or not mount.target.startswith(OBSERVER_DIRECTORY + "/"):
            raise Malformed(f"an observer's mount is read-only and below {OBSERVER_DIRECTORY}", where=mount.target)
    for mount in mounts:
        inside = PurePosixPath(mount.target).parents
        # A link that an earlier run left there would lead the mount elsewhere.
        if any(other.writable and PurePosixPath(other.target) in inside for other in mounts):
            raise Malformed("a mount may not lie inside a writable one", where=mount.target)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, as seen from outside; every byte in it was written by the program and may lie.

    ``exit_code`` and ``signal`` are the shell's word: a program that dies of signal 11 under ``sh`` is code 139,
    told here as ``signal=11``. Of a long output the head and the tail are kept, with a line between that says how
    much is missing. ``sightings`` is the observer's JSON, unparsed, bounded and to be distrusted.
    """

    ending: Ending
    exit_code: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    stdout_total_bytes: int
    stderr_total_bytes: int
    duration_s: float
    sightings: bytes = b""


@dataclass(frozen=True, slots=True)
class Wall:
    """One wall of the sandbox on this machine: does it stand, and how to get it if not."""

    name: str
    stands: bool
    needed: bool
    detail: str
    how_to_get: str
