"""Watches a build from outside: which compiler read which file, and what it wrote, by digest.

A module's debug information is text that its builder wrote. It is believed only where the module is, byte for byte,
what a system linker wrote, from objects that system compilers wrote, from sources whose digests were taken while the
compiler stood still. So the record is made of exec and exit stops, and commands cannot talk their way into it.
"""

from __future__ import annotations

import hashlib
import os
import re

SYSTEM = ("/usr/", "/lib/", "/lib64/")
STEPS_MAX = 20_000
ARGUMENTS_BYTES_MAX = 1 << 20
FILE_BYTES_MAX = 256 << 20
TEXT_BYTES_MAX = 32 << 20
MEMBERS_MAX = 20_000
_COMPILER = re.compile(r"(?:cc1|cc1plus|f951|lto1)")
_ASSEMBLER = re.compile(r"(?:[\w-]+-)?as")
_LINKER = re.compile(r"(?:[\w-]+-)?(?:ld(?:\.bfd|\.gold|\.lld)?|lld)(?:-\d+)?")
_CLANG = re.compile(r"clang(?:-\d+)?")
_DRIVER = re.compile(r"(?:[\w-]+-)?(?:gcc|g\+\+|cpp)(?:-\d+)?")
_DIRECTIVE = re.compile(rb"^[ \t\v\f]*(?:#|%:|\?\?=)[ \t\v\f]*(?:line\b|\d|\\\r?\n)", re.MULTILINE)
"""A line directive or marker, in all its spellings; a splice right after the mark could hide one."""
_LYING_FLAG = re.compile(
    r"-f(?:file|debug|macro|profile|coverage)-prefix-map|-fplugin|-load|-add-plugin|-fpreprocessed|@|-imacros"
    r"|-T|--script|--format|-b\Z|--just-symbols|-R\Z|--oformat"
)
_LYING_DRIVER_FLAG = re.compile(r"-wrapper|-B|--?specs|-fplugin|@")
_LYING_VARIABLE = re.compile(r"LD_\w+|GCC_EXEC_PREFIX|GCONV_PATH|GLIBC_TUNABLES")
_JOINED_FOR_LINKERS = frozenset(("-I", "-D", "-x", "-MD", "-A", "-U"))
_COMPILATION_DIRECTORY = "-fdebug-compilation-dir"
_SEPARATE = frozenset(
    "-o -D -U -I -A -include -imacros -isystem -iquote -idirafter -iprefix -iwithprefix -isysroot -imultilib "
    "-imultiarch -dumpbase -dumpbase-ext -dumpdir -auxbase -auxbase-strip -MF -MT -MQ -MD -MMD -x -z -m -h -soname "
    "-rpath -rpath-link -e -u -plugin -dynamic-linker --dynamic-linker -L -l --defsym -T --version-script --wrap "
    "-triple -main-file-name -mrelocation-model -pic-level -target-cpu -tune-cpu -resource-dir -internal-isystem "
    "-internal-externc-isystem -ferror-limit -target-feature -mllvm -debug-info-kind -dwarf-ext-refs -stack-protector "
    "-dependency-file -fmessage-length -fvisibility -fdebug-compilation-dir -coverage-notes-file -target-abi".split()
)


def kind_of(file: str, arguments: list[str]) -> str | None:
    """Return which of a build's tools this is: ``compile``, ``assemble``, ``link``, ``drive``, or None."""
    name = file.rpartition("/")[2]
    if not file.startswith(SYSTEM):
        return None
    if _COMPILER.fullmatch(name) or (_CLANG.fullmatch(name) and "-cc1" in arguments[1:2]):
        return "compile"
    if _ASSEMBLER.fullmatch(name) or (_CLANG.fullmatch(name) and "-cc1as" in arguments[1:2]):
        return "assemble"
    if _LINKER.fullmatch(name):
        return "link"
    return "drive" if _DRIVER.fullmatch(name) else None


class Step:
    """One compiler, driver, assembler or linker, from its exec to its exit."""

    def __init__(self, pid: int, kind: str, arguments: list[str], variables: set[str]) -> None:
        self._root = f"/proc/{pid}/root"
        self._cwd = os.readlink(f"/proc/{pid}/cwd")
        self._kind = kind
        self._output = ""
        self._flags = sorted(name for name in variables if _LYING_VARIABLE.fullmatch(name))
        self._inputs: list[dict[str, object]] = []
        self._libraries: list[str] = []
        self._places: list[str] = []
        self._about: dict[str, object] = {"kind": kind, "pid": pid, "parent": _parent(pid)}
        if kind == "drive":
            self._flags += [a[:200] for a in arguments[1:] if _LYING_DRIVER_FLAG.match(a)]
            self._flags += [name for name in variables if name == "COMPILER_PATH"]
        else:
            self._take(arguments[1:])
            self._find_libraries()

    def _take(self, arguments: list[str]) -> None:
        awaited = ""
        for argument in arguments:
            if awaited:
                self._take_value(awaited, argument)
                awaited = ""
            elif _LYING_FLAG.match(argument):
                self._flags.append(argument[:200])
                awaited = argument if argument in _SEPARATE else ""
            elif argument in _SEPARATE and not (self._kind != "compile" and argument in _JOINED_FOR_LINKERS):
                awaited = argument
            elif argument.startswith("-") and argument != "-":
                self._take_joined(argument)
            else:
                self._add(argument)

    def _take_value(self, option: str, value: str) -> None:
        if option == "-o":
            self._output = value
        elif option == "-include":
            self._add(value)
        elif option == _COMPILATION_DIRECTORY:
            self._check_directory(value)
        elif option == "-L":
            self._places.append(value)
        elif option == "-l":
            self._libraries.append(value)

    def _take_joined(self, argument: str) -> None:
        if argument.startswith(_COMPILATION_DIRECTORY + "="):
            self._check_directory(argument.partition("=")[2])
        elif argument.startswith("-L"):
            self._places.append(argument[2:])
        elif argument.startswith("-l"):
            self._libraries.append(argument[2:])

    def _check_directory(self, value: str) -> None:
        if value != self._cwd:
            self._flags.append("a compilation directory that is not the compiler's")

    def _find_libraries(self) -> None:
        for library in self._libraries:
            names = [library[1:]] if library.startswith(":") else [f"lib{library}.so", f"lib{library}.a"]
            for place in self._places:
                for path in (os.path.join(place, name) for name in names):
                    if os.path.exists(self._real(path)):
                        self._add(path)

    def _real(self, path: str) -> str:
        """Return where we find a file of the traced process; a link that is absolute is followed from its root."""
        whole = os.path.normpath(os.path.join(self._cwd, path))
        real = os.path.realpath(self._root + whole)
        return real if real.startswith(self._root) else self._root + real

    def _add(self, path: str) -> None:
        if path == "-":
            self._inputs.append({"path": "-", "digest": ""})
            return
        real = self._real(path)
        if not real.removeprefix(self._root).startswith(SYSTEM):
            self._inputs.append({**_input(real, is_text=self._kind == "compile"), "path": real.removeprefix(self._root)})

    def finish(self, status: int) -> dict[str, object]:
        """Return the record of this step, with the digest of what it wrote; taken while it stands at its exit."""
        for found in self._inputs:
            if found["path"] != "-" and found["digest"] != digest_of(self._root + str(found["path"])):
                self._flags.append("an input changed while it was read")
        output = self._output or ("a.out" if self._kind in ("assemble", "link") else "-")
        return {
            **self._about,
            "inputs": self._inputs,
            "output": "" if output == "-" else digest_of(self._real(output)),
            "piped": output == "-",
            "flags": self._flags,
            "failed": status != 0,
        }


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
        return int(stream.read().rpartition(")")[2].split()[1])


def _input(path: str, *, is_text: bool) -> dict[str, object]:
    found: dict[str, object] = {"digest": digest_of(path)}
    content = _head(path, TEXT_BYTES_MAX if is_text else 8)
    if is_text:
        found["directives"] = _DIRECTIVE.search(content) is not None or len(content) == TEXT_BYTES_MAX
    elif content == b"!<arch>\n":
        found["members"] = _members(path)
    return found


def _head(path: str, size: int) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(size)
    except (OSError, ValueError):
        return b""


def digest_of(path: str) -> str:
    """Return the SHA-256 of a regular file within bounds, else an empty text that equals no digest."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    with open(descriptor, "rb") as stream:
        if os.fstat(descriptor).st_size > FILE_BYTES_MAX:
            return ""
        try:
            return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return ""


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
