"""Which arguments and variables a compiler, an assembler or a linker may be given and still be believed.

These are lists of what is believed, by tool: whatever else a tool is told, what it writes proves nothing. An option is
here if it can neither give a line another file's name, nor load code into the tool, nor have other code run under a
function's name; for the compilers also if it leaves the language and the calling conventions alone, and if what comes
out is what a source was compiled to (``-E`` is not here, nor is assembler text as a source).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ARGUMENT_CHARS_SHOWN_MAX = 200

_ANY = r"(?s:.+)"
_WORD = r"[\w.+-]+"
_SYSTEM_DIRECTORY = r"(?s:/(?:usr|lib|include)\b.*)"
_MACRO = r"(?=\w*[A-Z]|__)[A-Za-z_]\w*(?:=(?:\"[^\n]*\"|'[^\n]*'|[+-]?\d[\w.]*|[A-Za-z_]\w*|\([+-]?\d+\))?)?"
"""A macro as a configuration sets it: not in the letters of a function or a keyword, and no piece of code."""

_FEATURES = (
    "PIC|pic|PIE|pie|plt|stack-protector(?:-(?:all|strong|explicit))?|stack-clash-protection|cf-protection(?:=[a-z]+)?"
    "|sanitize(?:-recover|-trap|-coverage)?=[a-z0-9,-]+|sanitize-recover|sanitize-address-use-after-scope"
    "|sanitize-undefined-trap-on-error|omit-frame-pointer|wrapv|trapv|strict-aliasing|strict-overflow|common"
    "|builtin(?:-[a-z0-9_]+)?|exceptions|rtti|visibility=[a-z]+|visibility-inlines-hidden|diagnostics-[a-z0-9=-]+"
    "|message-length=\\d+|asynchronous-unwind-tables|unwind-tables|function-sections|data-sections|inline[a-z-]*"
    "|inline-limit=\\d+|unroll-(?:all-)?loops|openmp|openmp-simd|math-errno|signed-zeros|trapping-math|rounding-math"
    "|fast-math|finite-math-only|unsafe-math-optimizations|fp-contract=[a-z]+|signed-char|permissive|tree-[a-z-]+"
    "|delete-null-pointer-checks|ident|merge-constants|optimize-sibling-calls|semantic-interposition|debug-types-section"
    "|threadsafe-statics|max-errors=\\d+|var-tracking(?:-assignments)?|gnu89-inline|ms-extensions|template-depth=\\d+"
    "|zero-initialized-in-bss|use-cxa-atexit|implicit-templates|ipa-[a-z-]+|reorder-[a-z-]+|schedule-insns2?|gcse"
    "|expensive-optimizations|caller-saves|crossjumping|aligned-new|char8_t|coroutines|concepts|sized-deallocation"
)
_COMMON = (
    r"-w|-W[a-zA-Z0-9=+,_-]*|-O(?:[0-3sgz]|fast)?|-g[a-z0-9-]*|-std=[a-z0-9+:]+|-ansi|-pedantic(?:-errors)?|-pthread"
    rf"|-undef|-nostdinc(?:\+\+)?|-D{_MACRO}|-U\w+|-I.+|-M[DMPG]*|-[vH]"
)


class Believed(NamedTuple):
    """What one tool may be told: options that stand alone, and options whose value is the next argument."""

    alone: str
    valued: Mapping[str, str]


_PLACES = dict.fromkeys(
    [
        "-o",
        "-I",
        "-include",
        "-imacros",
        "-isystem",
        "-iquote",
        "-idirafter",
        "-iprefix",
        "-iwithprefix",
        "-isysroot",
        "-imultilib",
        "-imultiarch",
        "-dumpbase",
        "-dumpbase-ext",
        "-dumpdir",
        "-auxbase",
        "-auxbase-strip",
        "-MF",
        "-MT",
        "-MQ",
        "-MD",
        "-MMD",
    ],
    _ANY,
)
_MACROS = {"-D": _MACRO, "-U": _WORD}
GCC = Believed(
    (
        rf"-quiet|-version|-trigraphs|{_COMMON}|-m(?:arch|tune|cpu)=[a-z0-9._-]+|-m64|-mfpmath=[a-z0-9,]+"
        r"|-m(?:no-)?(?:s?sse[0-9.a-z]*|avx[0-9a-z]*|fma4?|popcnt|bmi2?|aes|pclmul|f16c|lzcnt|mmx|red-zone"
        rf"|omit-leaf-frame-pointer)|-f(?:no-)?(?:{_FEATURES})"
    ),
    {**_PLACES, **_MACROS, "--param": r"(?:ssp-buffer-size|ggc-[a-z-]+|l[12]-cache-[a-z-]+)=\d+"},
)
CLANG = Believed(
    (
        rf"-cc1|-emit-obj|-S|{_COMMON}|-f(?:no-)?(?:{_FEATURES})|-(?:disable-free|clear-ast-before-backend)"
        r"|-disable-llvm-verifier|-discard-value-names|-pic-is-pie|-mrelax-all|-mconstructor-aliases|-funwind-tables=\d"
        r"|-mframe-pointer=[a-z-]+|-f(?:no-)?half-no-semantic-interposition|-fno-rounding-math|-msmall-data-limit=\d+"
        r"|-debug-info-kind=[a-z-]+|-dwarf-version=\d|-debugger-tuning=[a-z]+|-fdebug-compilation-dir=.*"
        r"|-fcoverage-compilation-dir=.*|-fsanitize-coverage-[a-z0-9=-]+|-fsanitize-system-ignorelist=/usr/.*"
        r"|-fno-sanitize-memory-param-retval|-fsanitize-address-[a-z-]+|-f(?:no-)?assume-sane-operator-new"
        r"|-fgnuc-version=[\d.]+|-fskip-odr-check-in-gmf|-vectorize-(?:loops|slp)|-faddrsig|-mspeculative-load-hardening"
        r"|-fcolor-diagnostics|-fcxx-exceptions|-fdeprecated-macro|-external-linkage-outputs|-sys-header-deps"
        r"|-fno-signed-char|-menable-no-(?:infs|nans)|-ffinite-math-only|-fvisibility[a-z-]*|-mstackrealign"
    ),
    {
        **_PLACES,
        **_MACROS,
        **dict.fromkeys(
            [
                "-triple",
                "-main-file-name",
                "-mrelocation-model",
                "-pic-level",
                "-target-cpu",
                "-tune-cpu",
                "-target-feature",
                "-ferror-limit",
                "-stack-protector",
                "-fmessage-length",
                "-target-abi",
                "-pic-is-pie-level",
            ],
            _WORD,
        ),
        **dict.fromkeys(("-internal-isystem", "-internal-externc-isystem", "-resource-dir"), _SYSTEM_DIRECTORY),
        "-x": r"c|c\+\+|objective-c",
        "-fdebug-compilation-dir": _ANY,
        "-dependency-file": _ANY,
    },
)
ASSEMBLER = Believed(r"--64|--gdwarf-\d|-g|-v|-W|--noexecstack|-Q[yn]?|-I.*", {"-o": _ANY, "-I": _ANY})
CLANG_ASSEMBLER = Believed(r"(?!)", {})
_KEYWORDS = (
    "relro|norelro|now|lazy|noexecstack|defs|origin|text|(?:no)?separate-code|nodelete|pack-relative-relocs|nocopyreloc"
    "|(?:max|common)-page-size=\\w+|keep-text-section-prefix"
)
LINKER = Believed(
    (
        r"--build-id(?:=[a-z0-9]+)?|--eh-frame-hdr|--hash-style=[a-z]+|-pie|-no-pie|-static|-shared|-static-pie|-[lL].+"
        r"|--(?:no-)?as-needed|--(?:push|pop)-state|--(?:no-)?whole-archive|--start-group|--end-group|-\(|-\)|-[rvtgsSxX]"
        r"|-E|--export-dynamic|-B(?:symbolic(?:-functions)?|static|dynamic)|--no-undefined|--gc-sections|--fatal-warnings"
        r"|--(?:enable|disable)-new-dtags|--(?:no-)?allow-shlib-undefined|--(?:no-)?copy-dt-needed-entries|-O\d?|--strip-(?:all|debug)"
        rf"|-z(?:{_KEYWORDS})|-rpath(?:-link)?=.*|-soname=.*|--no-dynamic-linker|--warn-[a-z-]+"
        r"|--dynamic-list=/usr/lib/llvm-\d+/(?!.*\.\.).*\.syms|-plugin-opt=-fresolution=.*|-plugin-opt=-pass-through=-l\w+"
        r"|-plugin-opt=/usr/lib(?:exec)?/gcc/[\w-]+/\d+/lto-wrapper"
    ),
    {
        **dict.fromkeys(("-o", "-L", "-l", "-soname", "-h", "-rpath", "-rpath-link", "-Map", "-u"), _ANY),
        "-m": r"elf_x86_64",
        "-dynamic-linker": r"/lib(?:64|/x86_64-linux-gnu)?/ld-linux-x86-64\.so\.2",
        "-plugin": (
            r"/usr/lib(?:exec)?/gcc/[\w-]+/\d+/liblto_plugin\.so|/usr/lib/llvm-\d+/lib/LLVMgold\.so"
            r"|/usr/lib/llvm-\d+/bin/\.\./lib/LLVMgold\.so"
        ),
        "-z": _KEYWORDS,
    },
)
_LYING_DRIVER_FLAG = r"-wrapper|-B|--?specs|-fplugin|@"
_LYING_VARIABLE = (
    r"LD_\w+|GCC_EXEC_PREFIX|GCONV_PATH|GLIBC_TUNABLES|GNUTARGET|LDEMULATION|CCC_\w+|DEPENDENCIES_OUTPUT|BFD_\w+"
)
_COMPILATION_DIRECTORY = "-fdebug-compilation-dir"
_MAIN_FILE = "-main-file-name"


class Told(NamedTuple):
    """What a tool was told: ``doubts`` is why what it writes is not believed; ``sources`` its plain arguments."""

    doubts: tuple[str, ...]
    sources: frozenset[str]


def doubtful_variables(variables: Mapping[str, str]) -> list[str]:
    """Return the variables that would change what a tool is."""
    return [name for name in variables if re.fullmatch(_LYING_VARIABLE, name)]


def doubtful_driver(arguments: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """Return why a driver may have put something between the tools that it starts; they are watched themselves."""
    found = [
        argument[:ARGUMENT_CHARS_SHOWN_MAX] for argument in arguments[1:] if re.match(_LYING_DRIVER_FLAG, argument)
    ]
    return [*found, *(name for name in variables if name == "COMPILER_PATH")]


def read_arguments(kind: str, arguments: Sequence[str], cwd: str) -> Told:
    """Return what a compiler, an assembler or a linker was told; ``cwd`` is the directory that it works in."""
    believed = _believed(kind, arguments)
    doubts: list[str] = []
    sources: list[str] = []
    names: list[str] = []
    waiting = list(reversed(arguments[1:]))
    while waiting:
        argument = waiting.pop()
        pattern = believed.valued.get(argument)
        # "-MD" and "-MMD" take a file in the compiler proper; an option follows where they stand alone.
        if pattern is not None and waiting and not (argument in {"-MD", "-MMD"} and waiting[-1].startswith("-")):
            value = waiting.pop()
            if not re.fullmatch(pattern, value) or (argument == _COMPILATION_DIRECTORY and value != cwd):
                doubts.append(f"{argument} {value}")
            elif argument == _MAIN_FILE:
                names.append(value)
        elif not argument.startswith(("-", "@")):
            sources.append(argument)
        elif not re.fullmatch(believed.alone, argument) or not _is_directory(argument, cwd):
            doubts.append(argument)
    doubts += [f"{_MAIN_FILE} {name}" for name in names if name not in map(os.path.basename, sources)]
    return Told(tuple(doubt[:ARGUMENT_CHARS_SHOWN_MAX] for doubt in doubts), frozenset(sources))


def _believed(kind: str, arguments: Sequence[str]) -> Believed:
    if kind == "compile":
        return CLANG if "-cc1" in arguments[1:2] else GCC
    if kind == "assemble":
        return CLANG_ASSEMBLER if "-cc1as" in arguments[1:2] else ASSEMBLER
    return LINKER


def _is_directory(argument: str, cwd: str) -> bool:
    """Tell whether an argument, where it names the compilation directory, tells the truth."""
    name, separator, value = argument.partition("=")
    return name != _COMPILATION_DIRECTORY or not separator or value == cwd
