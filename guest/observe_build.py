"""Watches a build from outside: which compiler read which files, and what it wrote, by digest.

A module's debug information is text that its builder wrote. It is believed only where the module is, byte for byte,
what a system linker wrote, from objects that system compilers wrote, from sources whose digests are known. So the
record is made of stops: at a tool's exec, at each file it opens or renames, and at its exit. What commands print, or
leave behind, proves nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
from typing import NamedTuple

from observe_flags import doubtful_driver, doubtful_variables, read_arguments
from observe_memory import Memory

SYSTEM = ("/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/etc/")
HARMLESS_DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero", "/dev/tty")
STEPS_MAX = 20_000
OPENED_MAX = 5_000
ARGUMENTS_BYTES_MAX = 1 << 20
PATH_BYTES_MAX = 4096
FILE_BYTES_MAX = 512 << 20
TEXT_BYTES_MAX = 64 << 20
MEMBERS_MAX = 20_000
AT_FDCWD = -100
OPEN, CREAT, RENAME, OPENAT, RENAMEAT, RENAMEAT2, OPENAT2 = 2, 85, 82, 257, 264, 316, 437
"""Numbers of the system calls that open and rename files (x86-64, asm/unistd_64.h)."""
FILE_CALLS = frozenset((OPEN, CREAT, RENAME, OPENAT, RENAMEAT, RENAMEAT2, OPENAT2))
NOT_YET_DONE = (1 << 64) - 38
"""What rax holds when a call begins: -ENOSYS."""

_COMPILER = re.compile(r"cc1|cc1plus|cc1obj|f951|lto1")
_ASSEMBLER = re.compile(r"(?:[\w-]+-)?as")
_LINKER = re.compile(r"(?:[\w-]+-)?(?:ld(?:\.bfd|\.gold|\.lld)?|lld)(?:-\d+)?")
_CLANG = re.compile(r"clang(?:-\d+)?")
_DRIVER = re.compile(r"(?:[\w-]+-)?(?:gcc|g\+\+|cpp)(?:-\d+)?")
_SPLICE = re.compile(rb"\\[ \t\v\f\0]*(?:\r\n|\n|\r)")
_DIRECTIVE = re.compile(
    rb"(?:^|\*/)[ \t\v\f]*(?:#|%:|\?\?=)[ \t\v\f]*(?:line\b|\d|/\*)|\0",
    re.MULTILINE,
)
"""A line directive or marker as it looks once lines are spliced, or what is no text at all.

A directive's first token begins a line, or follows comments only, so what precedes it is a line's beginning or a
comment's end. A comment that follows may hide the rest: no text of this kind is believed, whatever is behind it.
"""


def kind_of(file: str, arguments: list[str]) -> str | None:
    """Return which of a build's tools this is: ``compile``, ``assemble``, ``link``, ``drive``, or None."""
    name = file.rpartition("/")[2]
    if not file.startswith(SYSTEM):
        return None
    is_clang = _CLANG.fullmatch(name) is not None
    if _COMPILER.fullmatch(name) or (is_clang and arguments[1:2] == ["-cc1"]):
        return "compile"
    if _ASSEMBLER.fullmatch(name) or (is_clang and arguments[1:2] == ["-cc1as"]):
        return "assemble"
    if _LINKER.fullmatch(name):
        return "link"
    return "drive" if _DRIVER.fullmatch(name) else None


def is_about_files(registers: tuple[int, ...]) -> bool:
    """Tell whether a thread is about to open or rename a file; the end of a call tells nothing more."""
    return registers[10] == NOT_YET_DONE and registers[15] in FILE_CALLS


class _Kept(NamedTuple):
    """What a file was when it was looked at; valid while its identity and change time are the same."""

    digest: str
    directives: bool
    members: list[str]


class Files:
    """Looks into files of the traced processes, each only once as long as it does not change."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], _Kept] = {}

    def look(self, path: str) -> _Kept | None:
        """Return what a regular file within bounds holds, else None."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return None
        with open(descriptor, "rb") as stream:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > FILE_BYTES_MAX:
                return None
            key = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
            if key not in self._kept:
                digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
                stream.seek(0)
                head = stream.read(8)
                members = _members(path) if head == b"!<arch>\n" else []
                self._kept[key] = _Kept(digest, _has_directives(path, about.st_size), members)
            return self._kept[key]


class Step:
    """One compiler, driver, assembler or linker, from its exec to its exit."""

    def __init__(
        self, pid: int, kind: str, arguments: list[str], variables: dict[str, str], *, files: Files, order: int
    ) -> None:
        self._pid = pid
        self._root = f"/proc/{pid}/root"
        self._kind = kind
        self._files = files
        self._order = order
        self._parent = parent_of(pid)
        self._read: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._cwd = os.readlink(f"/proc/{pid}/cwd")
        self._logical_cwd = self._checked_cwd(variables.get("PWD", ""))
        self._written: set[str] = set()
        self._flags = sorted(doubtful_variables(variables))
        self._sources: frozenset[str] = frozenset()
        if kind == "drive":
            self._flags += doubtful_driver(arguments, variables)
        else:
            told = read_arguments(kind, arguments, self._cwd)
            self._flags += told.doubts
            self._sources = told.sources
        self._has_source = False

    def _checked_cwd(self, claimed: str) -> str:
        """Return the name that a compiler writes for its directory: the shell's, if that is the same one."""
        try:
            return claimed if os.path.samefile(self._root + claimed, f"/proc/{self._pid}/cwd") else self._cwd
        except (OSError, ValueError):
            return self._cwd

    @property
    def wants_calls(self) -> bool:
        """Tell whether the tool must be stopped at its system calls; a driver only starts others."""
        return self._kind != "drive"

    def see_call(self, registers: tuple[int, ...], memory: Memory) -> None:
        """Note a file that the tool is about to open or rename."""
        number = registers[15]
        first, second, third = registers[14], registers[13], registers[12]
        if number == OPEN:
            self._open(AT_FDCWD, text_at(memory, first), second)
        elif number == CREAT:
            self._open(AT_FDCWD, text_at(memory, first), os.O_WRONLY)
        elif number == OPENAT:
            self._open(first, text_at(memory, second), third)
        elif number == OPENAT2:
            self._open(first, text_at(memory, second), struct.unpack("<Q", memory.read(third, 8) or b"\1" * 8)[0])
        elif number == RENAME:
            source = self._whole(AT_FDCWD, text_at(memory, first))
            self._rename(self._real(source), self._real(self._whole(AT_FDCWD, text_at(memory, second))))
        elif number in (RENAMEAT, RENAMEAT2):
            source = self._whole(first, text_at(memory, second))
            self._rename(self._real(source), self._real(self._whole(third, text_at(memory, registers[7]))))

    def _open(self, directory: int, name: str, flags: int) -> None:
        whole = self._whole(directory, name)
        path = self._real(whole)
        if not path or len(self._read) + len(self._written) >= OPENED_MAX:
            self._flags.append("a file that could not be told, or too many")
        elif flags & os.O_ACCMODE != os.O_RDONLY:
            self._written.add(path)
        elif not path.startswith(SYSTEM) and path not in HARMLESS_DEVICES and path not in self._written:
            self._note_read(path, whole, name)

    def _note_read(self, path: str, whole: str, name: str) -> None:
        try:
            mode = os.stat(self._root + path).st_mode
        except (OSError, ValueError):
            return
        if stat.S_ISDIR(mode):
            return
        found = self._files.look(self._root + path)
        if found is None:
            self._flags.append("an input that is no regular file")
            return
        self._has_source = self._has_source or name in self._sources
        named = {os.path.normpath(whole), os.path.normpath(os.path.join(self._logical_cwd, name))}
        self._names.setdefault(path, set()).update(named)
        if self._read.setdefault(path, found.digest) != found.digest:
            self._flags.append("an input that changed")

    def _rename(self, source: str, target: str) -> None:
        if source in self._written:
            self._written.add(target)

    def _whole(self, directory: int, name: str) -> str:
        """Return an absolute path as the process spelled it, not resolved; empty if it cannot be told."""
        signed = directory - (1 << 64) if directory >= 1 << 63 else directory
        signed = signed - (1 << 32) if signed >= 1 << 31 else signed
        try:
            place = self._cwd if signed == AT_FDCWD else os.readlink(f"/proc/{self._pid}/fd/{signed}")
        except (OSError, ValueError):
            place = ""
        whole = os.path.join(place, name)
        return whole if name and whole.startswith("/") else ""

    def _real(self, whole: str) -> str:
        """Return the path of the file that the kernel will find, every link resolved as it does."""
        return (os.path.realpath(self._root + whole).removeprefix(self._root) or "/") if whole else ""

    def finish(self, status: int) -> dict[str, object]:
        """Return the record of this step; taken while the tool stands at its exit."""
        inputs = []
        for path, digest in self._read.items():
            if path in self._written:
                continue
            found = self._files.look(self._root + path)
            if found is None or found.digest != digest:
                self._flags.append("an input that changed")
                continue
            about = {"digest": digest, "directives": found.directives, "members": found.members}
            inputs.append({"names": sorted(self._names[path]), **about})
        outputs = [found.digest for path in self._written if (found := self._files.look(self._root + path))]
        if self._kind == "compile" and not self._has_source:
            self._flags.append("a source that is no file")
        return {
            "kind": self._kind,
            "pid": self._pid,
            "parent": self._parent,
            "order": self._order,
            "inputs": inputs,
            "outputs": sorted(set(outputs)),
            "piped": self._kind == "compile" and not outputs,
            "flags": sorted(set(self._flags)),
            "failed": status != 0,
        }


def opened_name(registers: tuple[int, ...], memory: Memory) -> str:
    """Return the name of the file that a thread is about to open from its own directory; empty if it does not."""
    if registers[15] == OPEN:
        return text_at(memory, registers[14])
    is_here = registers[15] == OPENAT and registers[14] & 0xFFFFFFFF == AT_FDCWD & 0xFFFFFFFF
    return text_at(memory, registers[13]) if is_here else ""


def text_at(memory: Memory, address: int) -> str:
    """Return the text that ends in NUL at an address, or as much of it as is a path's length."""
    raw = memory.read(address, PATH_BYTES_MAX) or memory.read(address, -address % PATH_BYTES_MAX)
    return os.fsdecode(raw.split(b"\0", 1)[0])


def parent_of(pid: int) -> int:
    """Return the process that made another, or took it over."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
        return int(stream.read().rpartition(")")[2].split()[1])


def _has_directives(path: str, size: int) -> bool:
    if size > TEXT_BYTES_MAX:
        return True
    with open(path, "rb") as stream:
        return has_directives(stream.read(TEXT_BYTES_MAX))


def has_directives(text: bytes) -> bool:
    """Tell whether a text may give its own lines other names, in any spelling of C and of its compilers.

    Lines are spliced first (C17 5.1.1.2, phase 2), with and without trigraphs, since both ways are compiled; a lone
    carriage return ends a line for some.
    """
    return any(
        _DIRECTIVE.search(_SPLICE.sub(b"", spelled).replace(b"\r", b"\n"))
        for spelled in dict.fromkeys((text, text.replace(b"??/", b"\\")))
    )


def digest_of(path: str) -> str:
    """Return the SHA-256 of a regular file within bounds, else an empty text that equals no digest."""
    found = Files().look(path)
    return found.digest if found else ""


def _members(path: str) -> list[str]:
    """Return the digests of an ar archive's members (System V layout; names and index are left out)."""
    found: list[str] = []
    with open(path, "rb") as stream:
        stream.read(8)
        for _ in range(MEMBERS_MAX):
            header = stream.read(60)
            if len(header) < 60 or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
                break
            size = int(header[48:58])
            content = stream.read(min(size, FILE_BYTES_MAX))
            if header[:16].strip() not in (b"/", b"//", b"/SYM64/"):
                found.append("sha256:" + hashlib.sha256(content).hexdigest())
            stream.seek(size % 2, 1)
    return found
