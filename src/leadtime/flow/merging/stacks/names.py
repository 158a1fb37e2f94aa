"""Whose a frame is by its name and file, and a function's name without what a compiler or a call adds to it."""

from __future__ import annotations

import re

from leadtime.flow.merging.records import Frame

_RUNTIME_FUNCTION = re.compile(
    r"NULL$|_start$|main$|__|std::|operator (?:new|delete)|LLVMFuzzer|fuzzer::|asan_|_Py|Py_|PyEval_|PyRun_|PyObject_"
    r"|py(?:main|run)_|run_(?:mod|eval_code_obj)$|(?:method|cfunction)_(?:vectorcall|call)"
    r"|(?:(?:je|mi|tc)_)?(?:malloc|calloc|realloc|free)$"
    r"|(?:abort|raise|mem(?:cpy|set|move|cmp|chr)|str(?:n?len|n?cpy|n?cmp|n?dup|chr)"
    r"|v?sn?printf|v?fprintf|start_thread|clone3?)$"
)
"""Functions of sanitizers, C libraries, allocators, interpreters and harnesses: never the subject's."""

_RUNTIME_FILE = re.compile(
    r"libsanitizer/|compiler-rt/|sysdeps/|/csu/|/glibc|^(?:\.\./)*(?:csu|nptl|stdlib|malloc|string)/"
    r"|^(?:Objects|Python|Modules|Include)/|frozen importlib"
)
_BRACKET = re.compile(r"([<>()])")
_OPENING, _CLOSING = frozenset("<("), frozenset(">)")
_SUFFIX = re.compile(r"(?:\.(?:part|isra|constprop|cold|llvm)(?:\.\d{1,20}){0,4}){1,8}$|::h[0-9a-f]{16}$")


def is_runtime(frame: Frame) -> bool:
    """Tell whether a frame belongs to a sanitizer, C library, allocator, interpreter or harness entry."""
    return bool(_RUNTIME_FUNCTION.match(frame.function) or _RUNTIME_FILE.search(frame.file or ""))


def plain_name(function: str) -> str:
    """Return a function's name without parameters, template arguments and compilers' suffixes."""
    if function.isidentifier():
        return function
    kept: list[str] = []
    depth = 0
    for piece in _BRACKET.split(function.replace("(anonymous namespace)::", "")):
        if piece in _OPENING:
            depth += 1
        elif piece in _CLOSING:
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(piece)
    return _SUFFIX.sub("", "".join(kept).removesuffix(" const").strip().removesuffix("::"))
