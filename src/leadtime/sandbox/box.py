"""What the inside of the box looks like: the arguments of bubblewrap, composed from a program.

The same fixed paths for every run: the system's programs and libraries read-only, ``/box/work`` to work in, a private
``/tmp``, ``/dev`` and ``/proc``, nothing of ``/home``, ``/root``, ``/var``, ``/run`` and next to nothing of ``/etc``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from leadtime.sandbox.records import MEBIBYTE_BYTES, OBSERVER_DIRECTORY, WORK_DIRECTORY, Mount, Program

SYSTEM_DIRECTORIES = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/debian_version",
)
"""Of /etc, what the loader and the names of compilers need."""

WRITTEN_SETTINGS: Mapping[str, bytes] = {
    "/etc/passwd": b"root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nbox:x:1000:1000:box:/box/work:/bin/sh\n",
    "/etc/group": b"root:x:0:\nbox:x:1000:\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
    "/etc/hosts": b"127.0.0.1 localhost box\n::1 localhost\n",
}

BOX_USER = "1000"
SHARED_MEMORY_MIB = 64

ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": WORK_DIRECTORY,
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",  # noqa: S108 - the box's own
    "TZ": "UTC",
    "USER": "box",
}
"""What every program finds set; its own settings come on top."""

OPEN_FILES_MAX = 4096
CORE_BYTES_MAX = 1
"""One byte: the kernel then neither writes a core file nor feeds a host's crash collector (which 0 would allow)."""


def namespaces(*, nested: bool) -> list[str]:
    """Return the arguments that cut the box off; with ``nested`` a second box may be made inside it."""
    walls = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    walls += ["--uid", BOX_USER, "--gid", BOX_USER, "--hostname", "box"]
    return walls if nested else [*walls, "--disable-userns"]


def system() -> Iterator[str]:
    """Yield the arguments that show the machine's programs."""
    for name in SYSTEM_DIRECTORIES:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
    yield from ("--perms", "0755", "--dir", "/etc")
    for name in SYSTEM_SETTINGS:
        if Path(name).exists():
            yield from ("--ro-bind", name, name)


def written(files: Mapping[str, bytes], pass_bytes: Callable[[bytes], int]) -> Iterator[str]:
    """Yield the arguments that put files of this content there; ``pass_bytes`` turns content into a descriptor."""
    for name, content in files.items():
        yield from ("--perms", "0444", "--file", str(pass_bytes(content)), name)


def memory_places(scratch_mib: int) -> tuple[tuple[str, int], ...]:
    """Return the only memory-backed places to write, and their sizes in bytes."""
    return (("/dev/shm", SHARED_MEMORY_MIB * MEBIBYTE_BYTES), ("/tmp", scratch_mib * MEBIBYTE_BYTES))  # noqa: S108


def private_places(*, scratch_mib: int, nested: bool) -> list[str]:
    """Return the arguments for /proc, /dev and /tmp.

    Nobody writes in /proc, where /proc/PID/mem lets one process patch another. Where a second box is made inside, it
    is that one's /proc: its maker writes in the first one's, which the program never sees.
    """
    arguments = ["--proc", "/proc", *(() if nested else ("--remount-ro", "/proc")), "--dev", "/dev"]
    for place, size_bytes in memory_places(scratch_mib):
        arguments += ["--size", str(size_bytes), "--perms", "1777", "--tmpfs", place]
    return [*arguments, "--remount-ro", "/dev"]


def shown(mount: Mount, source: Path) -> tuple[str, str, str]:
    """Return the arguments that show ``source`` where ``mount`` says."""
    return ("--bind" if mount.writable else "--ro-bind", str(source), mount.target)


def environment(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the arguments that set exactly these variables."""
    yield "--clearenv"
    for name, value in variables.items():
        yield from ("--setenv", name, value)


def program_environment(program: Program) -> dict[str, str]:
    """Return what the program finds set."""
    return {**ENVIRONMENT, **program.env}


def limited(program: Program) -> list[str]:
    """Return the command that sets the per-process limits from inside the box, where they count this run alone."""
    limits = program.limits
    return [
        "prlimit",
        f"--core={CORE_BYTES_MAX}",
        f"--nofile={OPEN_FILES_MAX}",
        f"--nproc={limits.pids_max}",
        f"--fsize={limits.disk_mib * MEBIBYTE_BYTES}",
        "--",
    ]


def closing() -> list[str]:
    """Return the arguments that come last: where to start, and no writing beside what was mounted."""
    return ["--dir", WORK_DIRECTORY, "--dir", OBSERVER_DIRECTORY, "--remount-ro", "/", "--chdir", WORK_DIRECTORY]


def inner(program: Program) -> list[str]:
    """Return the second bubblewrap's arguments up to the program's own, for a watched program.

    It is started inside the first box: same places, but its own processes, no observer, and no way to a further
    namespace. Its descriptors are the ones that ``guest/enter.py`` names.
    """
    return [
        "bwrap",
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--disable-userns"),
        # --new-session: a signal to its own process group must not reach the observer.
        *("--die-with-parent", "--new-session"),
        *("--uid", BOX_USER, "--gid", BOX_USER),
        # --dev-bind, for a plain bind would make /dev/null and its like unusable.
        *("--dev-bind", "/", "/", "--proc", "/proc", "--remount-ro", "/proc"),
        *("--size", "4096", "--tmpfs", OBSERVER_DIRECTORY, "--remount-ro", OBSERVER_DIRECTORY),
        *("--json-status-fd", "5", "--add-seccomp-fd", "6"),
        *environment(program_environment(program)),
        *("--chdir", WORK_DIRECTORY, "--"),
        *limited(program),
    ]
