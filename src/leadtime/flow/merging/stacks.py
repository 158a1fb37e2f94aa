"""Reads a crash report's text into its class and its subject's frames.

Understands sanitizers, libFuzzer, gdb, Python (tracebacks and faulthandler), Java and JavaScript.
Pure and linear in its input; text from outside is cut at named bounds, never refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadtime.flow.merging.records import Frame

TEXT_CHARS_MAX = 1 << 20
LINE_CHARS_MAX = 4096
FRAMES_MAX = 512

_NUMBERED = re.compile(r"\s*#(\d{1,4})\s+(?:0x[0-9a-fA-F]+\s+)?(?:in\s+)?(.*)")
_PYTHON = re.compile(r'\s*File "([^"]*)", line (\d{1,9})(?:, | )in (.*)')
_CALLED = re.compile(r"\s*at ([^\s(]+(?: [^\s(]+){0,3}) ?\(([^():]*):(\d{1,9})(?::\d{1,9})?\)")
_LOCATION = re.compile(r"(.*?):(\d{1,9})(?::\d{1,9})?$")
_STATED = re.compile(r"\s*Crash type:\s*(\S+)((?: [A-Z{}*\d-]+)*)")
_SANITIZER = re.compile(r"(?:ERROR|WARNING): \w+: ([A-Za-z][\w-]*)")
_UNDEFINED = re.compile(r"runtime error: ([a-z][a-z-]*(?: [a-z][a-z-]*){0,2})")
_ACCESS = re.compile(r"\s*(READ|WRITE) of size (\d{1,9})")
_SIGNAL_ACCESS = re.compile(r"caused by a (READ|WRITE) memory access")
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]{0,200})(?::.*)?$")
_TIMEOUT = re.compile(r"^timeout\b|\bTimeoutExpired\b", re.IGNORECASE)

_RUNTIME_FUNCTION = re.compile(
    r"NULL$|_start$|main$|__|std::|operator (?:new|delete)|LLVMFuzzer|fuzzer::|asan_|_Py|Py_|PyEval_|PyRun_|PyObject_"
    r"|py(?:main|run)_|run_(?:mod|eval_code_obj)$|(?:method|cfunction)_(?:vectorcall|call)"
    r"|(?:malloc|calloc|realloc|free|abort|raise|mem(?:cpy|set|move|cmp|chr)|str(?:n?len|n?cpy|n?cmp|n?dup|chr)"
    r"|v?sn?printf|v?fprintf|start_thread|clone3?)$"
)
"""Functions of sanitizers, C libraries, allocators, interpreters and harnesses: never the subject's."""

_RUNTIME_FILE = re.compile(
    r"libsanitizer/|compiler-rt/|sysdeps/|/csu/|/glibc|^(?:\.\./)*(?:csu|nptl|stdlib|malloc|string)/"
    r"|^(?:Objects|Python|Modules|Include)/|frozen importlib"
)
_SUFFIX = re.compile(r"(?:\.(?:part|isra|constprop|cold|llvm)(?:\.\d{1,20})*)+$")


@dataclass(frozen=True, slots=True)
class Stack:
    """What a text says of one crash: class and access as the tool wrote them, the subject's frames innermost first."""

    crash_class: str
    access: str
    frames: tuple[Frame, ...]


def parse_stack(text: str) -> Stack:
    """Return the first stack of ``text`` without runtime frames; empty where the text names none."""
    lines = [line[:LINE_CHARS_MAX] for line in text[:TEXT_CHARS_MAX].splitlines()]
    crash_class, access = _read_class(lines)
    frames = _read_numbered(lines) or _read_called(lines) or _read_python(lines)
    return Stack(crash_class, access, tuple(frame for frame in frames[:FRAMES_MAX] if not is_runtime(frame)))


def is_runtime(frame: Frame) -> bool:
    """Tell whether a frame belongs to a sanitizer, C library, allocator, interpreter or harness entry."""
    return bool(_RUNTIME_FUNCTION.match(frame.function) or _RUNTIME_FILE.search(frame.file or ""))


def plain_name(function: str) -> str:
    """Return a function's name without parameters, template arguments and compilers' suffixes."""
    kept: list[str] = []
    depth = 0
    for character in function.replace("(anonymous namespace)::", ""):
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(character)
    return _SUFFIX.sub("", "".join(kept).removesuffix(" const").strip().removesuffix("::"))


def _read_class(lines: list[str]) -> tuple[str, str]:
    """Return class and access; a tool's own statement wins over what the text looks like."""
    access = ""
    found = ""
    for line in lines:
        if stated := _STATED.match(line):
            return stated[1].lower(), stated[2].strip()
        if not found and (match := _SANITIZER.search(line) or _UNDEFINED.search(line)):
            found = match[1] if match[1] == "SEGV" or match[1] == "FPE" else match[1].lower()
        elif not found and _TIMEOUT.search(line):
            found = "timeout"
        if not access and (match := _ACCESS.match(line)):
            access = f"{match[1]} {match[2]}"
        elif not access and (match := _SIGNAL_ACCESS.search(line)):
            access = match[1]
    return found or _read_exception(lines), access


def _read_exception(lines: list[str]) -> str:
    """Return the exception that a Python traceback ends with, or nothing."""
    if not any(_PYTHON.match(line) for line in lines):
        return ""
    last = next((line for line in reversed(lines) if line.strip()), "")
    match = _EXCEPTION.match(last)
    return match[1] if match else ""


def _read_numbered(lines: list[str]) -> list[Frame]:
    """Return the frames of the first ``#0 …`` stack; the stacks after it (allocated by, freed by) are not the crash."""
    frames: list[Frame] = []
    for line in lines:
        match = _NUMBERED.match(line)
        if match is None:
            continue
        if frames and int(match[1]) == 0:
            break
        frames.append(_read_frame(match[2]))
    return frames


def _read_frame(text: str) -> Frame:
    """Return the frame that ``name(args) path:line:column``, ``name (args) at path:line`` or a bare name spells."""
    name, _, last = text.partition(" (BuildId:")[0].rstrip().rpartition(" ")
    location = _LOCATION.match(last)
    if name and location:
        return Frame(plain_name(name.removesuffix(" at")), location[1], int(location[2]))
    if name and (last.startswith("(/") or "+0x" in last):
        return Frame(plain_name(name))
    return Frame(plain_name(text))


def _read_called(lines: list[str]) -> list[Frame]:
    """Return the frames of a Java or JavaScript stack (``at name(file:line)``), which begin with the innermost."""
    found = (_CALLED.match(line) for line in lines)
    return [Frame(match[1], match[2], int(match[3])) for match in found if match]


def _read_python(lines: list[str]) -> list[Frame]:
    """Return the frames of a Python traceback, turned round unless it says that the most recent call comes first."""
    found = (_PYTHON.match(line) for line in lines)
    frames = [Frame(match[3].strip(), match[1], int(match[2])) for match in found if match]
    recent_first = any("most recent call first" in line for line in lines)
    return frames if recent_first else frames[::-1]
