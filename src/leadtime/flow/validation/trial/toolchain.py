"""What this machine builds and runs with: the one Python, the compilers' versions, and all of it as one digest."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from leadtime.foundation.digests import Digest, digest_of_file, digest_of_parts
from leadtime.foundation.errors import Unavailable
from leadtime.sandbox import Ending, Limits, Mount, Outcome, Program, guest_place, run

SYSTEM_PYTHON = "/usr/bin/python3"
SYSTEM_PLACES = ("/usr/", "/bin/", "/lib/", "/lib64/")
GUEST_PLACE = "/box/platform"
LAYOUT = "observe_layout.c"
PROBE_LIMITS = Limits(wall_s=60, memory_mib=1024)
PROBE = (
    "import json,os,sys,sysconfig;"
    "paths=sysconfig.get_paths();"
    "print(json.dumps({'file':os.path.realpath(sys.executable),'prefix':sys.base_prefix,'version':sys.version,"
    "'include':paths['include'],'headers':os.path.exists(paths['include']+'/Python.h'),"
    "'library':os.path.join(sysconfig.get_config_var('LIBDIR') or '',sysconfig.get_config_var('INSTSONAME') or ''),"
    "'places':sorted({paths['stdlib'],paths['platstdlib']})}))"
)
VERSIONS = "for tool in gcc g++ clang-19 ld gdb bwrap node; do $tool --version 2>/dev/null | head -1; done; uname -m"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The CPython that recipes see as ``{python}``.

    ``files`` are its program and library, ``places`` its standard library's directories, ``layout`` where it keeps
    its frames (empty if it has no headers to measure that from), ``mounts`` what shows it in the box.
    """

    path: str
    prefix: str
    version: str
    files: frozenset[str]
    places: tuple[str, ...]
    layout: Mapping[str, int]

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Return what makes it readable in the box; nothing where it is the system's."""
        if self.path.startswith(SYSTEM_PLACES):
            return ()
        return (Mount(Path(self.prefix), self.prefix),)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The interpreter, and the digest of everything that a build's or a run's result depends on here."""

    interpreter: Interpreter
    digest: Digest


@contextmanager
def guest_mount(*names: str) -> Iterator[Mount]:
    """Show some of those files in the box, at `GUEST_PLACE`, where its user can read them whatever their modes here."""
    with tempfile.TemporaryDirectory(prefix="leadtime-guest-") as place:
        for name in names:
            shown = Path(place) / name
            shown.write_bytes((guest_place() / name).read_bytes())
            shown.chmod(0o644)
        Path(place).chmod(0o755)
        yield Mount(Path(place), GUEST_PLACE)


def memory_of_machine_mib() -> int:
    """Return how much memory this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


@cache
def find_toolchain(wanted: str | None, user: str) -> Toolchain:
    """Return this machine's toolchain; ``wanted`` names the Python, else the system's if it has headers, else ours.

    Measured once in each process.

    Raises `Unavailable` where there is no such Python.
    """
    candidates = [wanted] if wanted else [SYSTEM_PYTHON, f"{sys.base_prefix}/bin/python3"]
    found = [probed for path in candidates if (probed := _probe(path, user)) is not None]
    with_headers = [probed for probed in found if probed["headers"]]
    if not found:
        raise Unavailable(
            "there is no Python for recipes", where=candidates[0], next_step="Set LEADTIME_PYTHON to a CPython."
        )
    interpreter = _interpreter((with_headers or found)[0], user)
    guest = [digest_of_file(path) for path in sorted(guest_place().glob("*.[pc]*")) if path.is_file()]
    versions = _run(VERSIONS, (), user).stdout.decode(errors="replace")
    layout = json.dumps(dict(interpreter.layout), sort_keys=True)
    return Toolchain(interpreter, digest_of_parts((versions, interpreter.path, interpreter.version, layout, *guest)))


def tool_versions(user: str) -> list[str]:
    """Return in one line each the versions of the tools that builds and runs use here."""
    return _run(VERSIONS, (), user).stdout.decode(errors="replace").splitlines()


def _probe(path: str, user: str) -> dict[str, object] | None:
    if not Path(path).exists():
        return None
    real = Path(path).resolve()
    mounts = () if str(real).startswith(SYSTEM_PLACES) else (Mount(real.parents[1], str(real.parents[1])),)
    outcome = _run(f"{shlex.quote(str(real))} -I -c {shlex.quote(PROBE)}", mounts, user)
    if outcome.ending is not Ending.EXITED or outcome.exit_code != 0:
        return None
    found = json.loads(outcome.stdout)
    return found if isinstance(found, dict) else None


def _interpreter(probed: dict[str, object], user: str) -> Interpreter:
    places = probed["places"]
    interpreter = Interpreter(
        path=str(probed["file"]),
        prefix=str(probed["prefix"]),
        version=str(probed["version"]),
        files=frozenset(str(Path(str(probed[name])).resolve()) for name in ("file", "library")),
        places=tuple(str(place) for place in places) if isinstance(places, list) else (),
        layout={},
    )
    if not probed["headers"]:
        return interpreter
    include = shlex.quote(str(probed["include"]))
    source = f"{GUEST_PLACE}/{LAYOUT}"
    command = f"gcc -w -I{include} -I{include}/internal {source} -o /tmp/layout && /tmp/layout"
    with guest_mount(LAYOUT) as guest:
        outcome = _run(command, (*interpreter.mounts, guest), user)
    layout = json.loads(outcome.stdout) if outcome.exit_code == 0 else {}
    return Interpreter(
        interpreter.path, interpreter.prefix, interpreter.version, interpreter.files, interpreter.places, layout
    )


def _run(command: str, mounts: tuple[Mount, ...], user: str) -> Outcome:
    return run(Program(command, PROBE_LIMITS, mounts=mounts), user=user)
