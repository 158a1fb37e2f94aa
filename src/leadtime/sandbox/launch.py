"""Start bubblewrap for one program: descriptors, unreachable places, control group, leaving root."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.sandbox import box
from leadtime.sandbox.cgroups import Cage
from leadtime.sandbox.filters import Layer, compile_filter
from leadtime.sandbox.guest import guest_files
from leadtime.sandbox.people import Person, can_traverse_to, give
from leadtime.sandbox.records import OBSERVER_DIRECTORY, Mount, Program, Watch

JOIN_AND_BECOME = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"'
"""Enter each named control group, then become the rest."""

STAGE_AND_BECOME = 'while [ "$1" != -- ]; do mount --rbind "$1" "$2" || exit 125; shift 2; done; shift; exec "$@"'
"""In a mount namespace of its own: show places where the unprivileged user can reach them, then become the rest."""

STAGE_DIRECTORY = Path("/run/leadtime-stage")
"""Empty files and directories to mount on; each run mounts in its own namespace, so they are shared and stay empty."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RUNS_PLACE = f"{OBSERVER_DIRECTORY}/runs"
OBSERVER_PYTHON = "/usr/bin/python3"
ENTER = f"import sys; sys.path.insert(0, '{OBSERVER_DIRECTORY}/guest'); import enter; enter.main()"
"""Imported, not run as a script: only what is imported is taken from bytecode."""


@dataclass(frozen=True, slots=True)
class Started:
    """A running box: the process to wait for and the pipes it speaks on (stdout, stderr, status).

    ``orders``: where a box with an observer takes them (`guest/enter.py`); its outputs are then nobody's program's.
    """

    bubblewrap: subprocess.Popen[bytes]
    pipes: Mapping[str, IO[bytes]]
    orders: socket.socket | None = None


class Launch:
    """One start: collects descriptors while the arguments are composed, and closes ours once they are handed on."""

    def __init__(
        self,
        program: Program,
        person: Person,
        cage: Cage | None,
        *,
        runs: Path | None = None,
        targets: tuple[str, ...] = (),
    ) -> None:
        """``runs``: what orders' places lie in, shown at `RUNS_PLACE`; ``targets``: where orders may have them lie."""
        self._program = program
        self._runs = runs
        self._targets = targets
        self._person = person
        self._cage = cage
        self._handed: list[int] = []
        self._staged: list[tuple[Path, Path]] = []

    def start(self) -> Started:
        """Start the program; the caller waits for it, closes the pipes and removes the control group.

        Raises:
            Malformed: a mount's source does not exist.
            Unavailable: bubblewrap or another program that this takes is missing.
        """
        with ExitStack() as handed, ExitStack() as kept:
            handed.callback(self._close_handed)
            pipes = {"status": self._pipe(kept)}
            status = self._handed[-1]
            orders = None
            if self._program.watch is Watch.NOTHING:
                inside = self._one_box(status)
            else:
                orders, taken = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                kept.enter_context(orders)
                self._handed.append(taken.detach())
                inside = self._two_boxes(status, self._handed[-1])
            bubblewrap = subprocess.Popen(
                self._outside(inside),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={"PATH": PATH},
                pass_fds=self._handed,
                start_new_session=True,
                umask=0o022,
            )
            kept.pop_all()
            if bubblewrap.stdout is None or bubblewrap.stderr is None:
                raise Unavailable("the box has no outputs", where="sandbox")
            return Started(bubblewrap, {"stdout": bubblewrap.stdout, "stderr": bubblewrap.stderr, **pipes}, orders)

    def _pipe(self, kept: ExitStack) -> IO[bytes]:
        """Return the reading end of a new pipe; the writing end is the last descriptor to hand on."""
        read, write = os.pipe()
        self._handed.append(write)
        return kept.enter_context(os.fdopen(read, "rb", buffering=0))

    def _close_handed(self) -> None:
        for descriptor in self._handed:
            os.close(descriptor)

    def _one_box(self, status: int) -> list[str]:
        program = self._program
        options = [*box.namespaces(nested=False), "--json-status-fd", str(status), *self._common(nested=False)]
        options += [*box.environment(box.program_environment(program)), *box.closing()]
        options += self._filtered(Layer.PROGRAM)
        return [*self._bubblewrap(options), *box.limited(program), "sh", "-c", program.command]

    def _two_boxes(self, status: int, orders: int) -> list[str]:
        options = [*box.namespaces(nested=True), "--json-status-fd", str(status), *self._common(nested=True)]
        if self._runs is not None:
            options += self._show(Mount(self._runs, RUNS_PLACE, writable=True))
            options += [part for target in self._targets for part in ("--dir", target)]
        for mount in self._program.observer_mounts:
            options += self._show(mount)
        task = json.dumps(self._task()).encode()
        files = {"task.json": task, "filter.bpf": compile_filter(Layer.WATCHED), **guest_files()}
        options += box.written(
            {f"{OBSERVER_DIRECTORY}/{name}": content for name, content in files.items()}, self._pass_bytes
        )
        options += [*box.environment(box.ENVIRONMENT), *box.closing(), *self._filtered(Layer.OBSERVER)]
        return [*self._bubblewrap(options), OBSERVER_PYTHON, "-I", "-S", "-B", "-c", ENTER, str(orders)]

    def _bubblewrap(self, options: list[str]) -> list[str]:
        # Not on the command line: the program reads that of its init, and it would name places of this machine.
        return [
            "bwrap",
            "--args",
            str(self._pass_bytes(os.fsencode("".join(f"{option}\0" for option in options)))),
            "--",
        ]

    def _task(self) -> dict[str, object]:
        program = self._program
        return {
            "inner_box": box.inner(program),
            "command": program.command,
            "watch": program.watch.value,
            "wall_s": program.limits.wall_s,
            "memory_places": box.memory_places(program.limits.scratch_mib),
        }

    def _common(self, *, nested: bool) -> Iterator[str]:
        yield from box.system()
        yield from box.written(box.WRITTEN_SETTINGS, self._pass_bytes)
        yield from box.private_places(scratch_mib=self._program.limits.scratch_mib, nested=nested)
        for mount in self._program.mounts:
            yield from self._show(mount)

    def _filtered(self, layer: Layer) -> tuple[str, str]:
        return ("--add-seccomp-fd", str(self._pass_bytes(compile_filter(layer))))

    def _pass_bytes(self, content: bytes) -> int:
        descriptor = os.memfd_create("box")
        self._handed.append(descriptor)
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def _show(self, mount: Mount) -> tuple[str, str, str]:
        try:
            source = mount.source.resolve(strict=True)
        except OSError as failure:
            raise Malformed("a mount's source is not there", where=str(mount.source)) from failure
        if mount.writable and self._person.switched:
            give(source, self._person)
        if self._person.switched and not can_traverse_to(self._person, source):
            source = self._stage(source)
        return box.shown(mount, source)

    def _stage(self, source: Path) -> Path:
        """Plan a mount of ``source`` at a place that the unprivileged user can reach."""
        kind = "directory" if source.is_dir() else "file"
        place = STAGE_DIRECTORY / f"{kind}-{len(self._staged)}"
        STAGE_DIRECTORY.mkdir(exist_ok=True)
        STAGE_DIRECTORY.chmod(0o755)
        if source.is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.touch()
        self._staged.append((source, place))
        return place

    def _outside(self, inside: list[str]) -> list[str]:
        command: list[str] = []
        if self._cage is not None:
            command += ["sh", "-c", JOIN_AND_BECOME, "sh", *self._cage.entrances(), "--"]
        if self._staged:
            pairs = [str(path) for pair in self._staged for path in pair]
            command += ["unshare", "--mount", "--propagation", "private"]
            command += ["sh", "-c", STAGE_AND_BECOME, "sh", *pairs, "--"]
        if self._person.switched:
            command += ["setpriv", f"--reuid={self._person.uid}", f"--regid={self._person.gid}"]
            command += ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--"]
        for name in {command[0] if command else "bwrap", "bwrap", "prlimit"}:
            if shutil.which(name, path=PATH) is None:
                raise Unavailable(
                    f"the program {name} is missing", where="sandbox", next_step="Install bubblewrap and util-linux."
                )
        return command + inside
