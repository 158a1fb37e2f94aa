"""Debian source packages, as this machine's own apt finds and checks them: signed indexes, files by digest.

apt and dpkg read what the archive's keys have signed; a finder chooses a name and a version only. Nothing of a package
is run: dpkg-source unpacks and applies the package's own patches, which is what Debian's releases consist of.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leadtime.foundation.digests import Digest, digest_of_file
from leadtime.foundation.errors import Malformed, Missing, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.purls import Purl

APT = Path("/etc/apt")
"""Where the machine's own sources are configured."""

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{1,99}\Z")
_VERSION = re.compile(r"(?:\d{1,9}:)?\d[A-Za-z0-9.+~-]{0,99}\Z")
_PART = re.compile(r"'[^'\s]+' ([A-Za-z0-9][A-Za-z0-9.+~:_-]{0,254}) (\d{1,12}) SHA256:([0-9a-f]{64})\s*\Z", re.ASCII)
_ONE_LINE = re.compile(r"deb(?:-src)?(\s.*)")
_TYPES = re.compile(r"Types:.*", re.IGNORECASE)
_STEP = "Check the name and version; archives keep only the newest of each suite."


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source package, as the signed index promises it."""

    filename: str
    size_bytes: int
    digest: Digest


class SourcePackages:
    """The source packages that this machine's apt knows, with indexes of our own in ``place``."""

    def __init__(self, place: Path, *, apt: Path = APT) -> None:
        """Work in ``place`` (made on first use) with the sources that ``apt`` configures."""
        self._place = place
        self._apt = apt

    def build_tree(self, purl: Purl, into: Path) -> Digest:
        """Put one source package into ``into / "tree.tar"``, patched as Debian builds it; return its ``.dsc``'s digest.

        Everything lies under one folder. Raises `Malformed` for what is no Debian package, `Missing` where apt has no
        such version, `Refused` for one that is too large, `Unavailable` where apt or dpkg-source is not there.
        """
        name, version = purl.name, purl.version or ""
        if purl.namespace != "debian" or not _NAME.match(name) or not _VERSION.match(version):
            raise Malformed(
                "this is no Debian source package",
                where=str(purl),
                next_step="Write it like pkg:deb/debian/hello@2.10-3.",
            )
        where = str(purl)
        with self._held():
            parts = self._parts(f"{name}={version}", where)
            _check_size(parts, where)
            self._apt_get(["--download-only", "--only-source", "source", f"{name}={version}"], cwd=into)
        for part in parts:
            _check_part(into / part.filename, part, where)
        described = next(part for part in parts if part.filename.endswith(".dsc"))
        unpacking = ["dpkg-source", "--no-copy", "--no-check", "-x", described.filename, "tree"]
        packing = ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-cf", "tree.tar"]
        for command in (unpacking, [*packing, "tree"]):
            if _run(command, cwd=into).returncode:
                raise Malformed("this source package cannot be unpacked", where=where, next_step="Use another version.")
        return described.digest

    def _parts(self, wanted: str, where: str) -> tuple[Part, ...]:
        """Return what the indexes say, fetched anew only if those that are held do not know the version."""
        asked = ["--print-uris", "--download-only", "--only-source", "source", wanted]
        found = parts_of(self._apt_get(asked, cwd=self._place).stdout)
        if found:
            return found
        self._apt_get(["update"], cwd=self._place)
        found = parts_of(self._apt_get(asked, cwd=self._place).stdout)
        if found:
            return found
        if not any((self._place / "lists").glob("*Sources*")):
            raise Unavailable(
                "apt could not fetch its indexes", where=where, next_step="Run apt-get update and read what it says."
            )
        raise Missing("this machine's apt sources have no such source package", where=where, next_step=_STEP)

    def _apt_get(self, arguments: Sequence[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
        options = {
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": str(self._place / "sources"),
            "Dir::State::Lists": str(self._place / "lists"),
            "Dir::Cache": str(self._place / "cache"),
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "0",
        }
        return _run(["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items()), *arguments], cwd=cwd)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the indexes, with the machine's sources as they are now; apt itself would not wait for another."""
        for folder in ("sources", "lists/partial", "cache/archives/partial"):
            (self._place / folder).mkdir(parents=True, exist_ok=True)
        with (self._place / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name, text in source_lists(self._apt):
                (self._place / "sources" / name).write_text(text)
            yield


def source_lists(apt: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each of a machine's lists, with every entry asking for sources."""
    found = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for path in found[: limits.CONFIGURATION_FILES_MAX]:
        if path.suffix in {".list", ".sources"} and path.is_file():
            yield path.name, asking_for_sources(path.read_text(errors="replace")[: limits.CONFIGURATION_BYTES_MAX])


def asking_for_sources(text: str) -> str:
    """Return a list (sources.list(5), either style) in which every entry is one for sources, and each stands once."""
    lines = []
    for line in text.splitlines():
        one = _ONE_LINE.fullmatch(line)
        lines.append("deb-src" + one[1] if one else _TYPES.sub("Types: deb-src", line))
    entries = [line for line in lines if line.startswith("deb-src")]
    seen = dict.fromkeys(entries)
    return "\n".join([*(line for line in lines if not line.startswith("deb-src")), *seen]) + "\n"


def parts_of(told: str) -> tuple[Part, ...]:
    """Return the files that ``apt-get --print-uris source`` names; none unless exactly one of them is a ``.dsc``."""
    matches = [found for line in told.splitlines() if (found := _PART.match(line))]
    parts = tuple(Part(found[1], int(found[2]), Digest(f"sha256:{found[3]}")) for found in matches)
    described = [part for part in parts if part.filename.endswith(".dsc")]
    return parts if len(described) == 1 and len(parts) <= limits.SOURCE_PARTS_MAX else ()


def _check_size(parts: Sequence[Part], where: str) -> None:
    if sum(part.size_bytes for part in parts) > limits.ARCHIVE_BYTES_MAX:
        raise Refused(
            f"the source package is larger than {limits.ARCHIVE_BYTES_MAX} bytes",
            where=where,
            next_step="Choose a smaller one.",
        )


def _check_part(path: Path, part: Part, where: str) -> None:
    try:
        fine = path.stat().st_size == part.size_bytes and digest_of_file(path) == part.digest
    except OSError:
        fine = False
    if not fine:
        raise Unavailable(
            f"apt did not fetch {part.filename} as its index promises it", where=where, next_step="Try again."
        )


def _run(command: Sequence[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of Debian's within bounds; raises `Unavailable` where it is missing or takes too long."""
    try:
        return subprocess.run(
            ["prlimit", f"--fsize={limits.UNPACKED_BYTES_MAX}", *command],
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=limits.DOWNLOAD_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Unavailable(
            f"{command[0]} is not there or did not end", where=command[0], next_step="Install apt and dpkg-dev."
        ) from None
