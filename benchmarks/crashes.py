"""Crash reports of a made-up world whose root causes are known, with the noise that real ones carry.

A *project* has functions in files, three releases in which lines moved, and several programs that lead into it. A
*root cause* is a line of a function reached through its callers; a quarter of them is a near miss of another one: the
same function and path on a distant line, the same function from another caller, or another function below the same
callers. A *report* is an AddressSanitizer log of one: outer frames vary with the program, frames vanish by inlining,
template arguments, compilers' suffixes, addresses and access sizes vary, the line varies by a statement, a library or
an allocator's frame lies on top, and the class varies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

PROJECTS = 200
FILES_PER_PROJECT = 15
FUNCTIONS_PER_PROJECT = 300
RELEASES = ("1.0.0", "1.1.0", "2.0.0")
DEPTH_MIN, DEPTH_MAX = 5, 9
"""Functions from the fault to the project's own entry; each program adds its own above them."""

FUNCTION_LINES_MAX = 200
DISTANT_LINES_MIN = 12
NEAR_MISS_SHARE = 0.25
MOVED_SHARE = 0.3
"""Chance that a release changed the length of a function; everything behind it moves."""

TEMPLATE_SHARE = 0.2
INLINED_SHARE = 0.04
"""Chance that any one frame below the fault is missing."""

NEARBY_SHARE = 0.05
OTHER_CLASS_SHARE = 0.05
INTERPOSED_SHARE = 0.25

CLASSES = ("heap-buffer-overflow", "heap-use-after-free", "stack-buffer-overflow", "global-buffer-overflow", "SEGV")
WORDS = ("read", "parse", "decode", "row", "chunk", "node", "table", "init", "emit", "walk", "copy", "fill", "check")
INTERPOSED = (
    "__interceptor_memcpy /build/compiler-rt/lib/sanitizer_common/sanitizer_common_interceptors.inc:827",
    "__asan_memmove /build/compiler-rt/lib/asan/asan_interceptors_memintrinsics.cpp:30",
    "__interceptor_free /build/compiler-rt/lib/asan/asan_malloc_linux.cpp:52",
    "operator delete(void*) /build/compiler-rt/lib/asan/asan_new_delete.cpp:152",
    "__memmove_avx_unaligned_erms ../sysdeps/x86_64/multiarch/memmove-vec-unaligned-erms.S:314",
    "je_free (/usr/lib/libjemalloc.so.2+0x9f21)",
    "mi_free (/usr/lib/libmimalloc.so.2+0x71b0)",
)
ARGUMENTS = ("int", "unsigned char", "std::pair<int, char const*>", "std::vector<int, std::allocator<int> >")
SUFFIXES = ("", "", "", "", "", ".part.0", ".isra.3", ".constprop.1", ".cold")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a project: where it begins in each release, and whether it is a template."""

    name: str
    file: str
    begins: tuple[int, ...]
    template: bool


@dataclass(frozen=True, slots=True)
class Cause:
    """One root cause: the functions from the fault outwards, the line in each, and what it looks like."""

    project: int
    path: tuple[Function, ...]
    offsets: tuple[int, ...]
    crash_class: str
    direction: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report: its component with release, its text, and the number of its root cause."""

    id: str
    component: str
    text: str
    cause: int


def make_reports(count: int, causes: int, seed: int) -> list[Report]:
    """Return ``count`` reports of ``causes`` root causes, shuffled; a few causes have hundreds, many have one."""
    chance = Random(seed)
    projects = [_functions(chance, number) for number in range(PROJECTS)]
    known: list[Cause] = []
    for _ in range(causes):
        known.append(_near_miss(chance, projects, known) or _fresh(chance, projects))
    weights = [1 / (rank + 3) ** 0.8 for rank in range(causes)]
    chosen = chance.choices(range(causes), weights, k=count)
    return [_report(chance, projects, known[cause], number, cause) for number, cause in enumerate(chosen)]


def _functions(chance: Random, project: int) -> list[Function]:
    """Return a project's functions; each release moves what lies behind each of its edits."""
    ends = {file: [1] * len(RELEASES) for file in range(FILES_PER_PROJECT)}
    made = []
    for number in range(FUNCTIONS_PER_PROJECT):
        file = chance.randrange(FILES_PER_PROJECT)
        begins = tuple(ends[file])
        moved = 0
        for release in range(len(RELEASES)):
            moved += chance.randrange(0, 15) if release and chance.random() < MOVED_SHARE else 0
            ends[file][release] += FUNCTION_LINES_MAX + moved
        name = "_".join(chance.sample(WORDS, 2)) + f"_{number}"
        template = chance.random() < TEMPLATE_SHARE
        name = f"lib{project}::{name.title().replace('_', '')}" if template else name
        made.append(Function(name, f"src/part{file}.{'cc' if template else 'c'}", begins, template))
    return made


def _fresh(chance: Random, projects: list[list[Function]]) -> Cause:
    project = chance.randrange(PROJECTS)
    path = tuple(chance.sample(projects[project], chance.randint(DEPTH_MIN, DEPTH_MAX)))
    offsets = tuple(chance.randrange(1, FUNCTION_LINES_MAX) for _ in path)
    return Cause(project, path, offsets, chance.choice(CLASSES), chance.choice(("READ", "WRITE")))


def _near_miss(chance: Random, projects: list[list[Function]], known: list[Cause]) -> Cause | None:
    """Return a cause that is easily taken for one that is there, or None when a fresh one is due."""
    if not known or chance.random() > NEAR_MISS_SHARE:
        return None
    near = chance.choice(known)
    other = chance.choice([f for f in projects[near.project] if f not in near.path])
    offset = chance.randrange(1, FUNCTION_LINES_MAX)
    kind = chance.randrange(3)
    if kind == 0:
        taken = {one.offsets[0] for one in known if one.project == near.project and one.path[0] == near.path[0]}
        if min(abs(offset - one) for one in taken) < DISTANT_LINES_MIN:
            return None
        return replace(near, offsets=(offset, *near.offsets[1:]))
    if kind == 1:
        return replace(
            near, path=(near.path[0], other, *near.path[2:]), offsets=(near.offsets[0], offset, *near.offsets[2:])
        )
    return replace(near, path=(other, *near.path[1:]), offsets=(offset, *near.offsets[1:]))


def _report(chance: Random, projects: list[list[Function]], cause: Cause, number: int, index: int) -> Report:
    release = chance.randrange(len(RELEASES))
    nearby = chance.choice((-2, -1, 1, 2)) if chance.random() < NEARBY_SHARE else 0
    crash_class = "SEGV" if chance.random() < OTHER_CLASS_SHARE else cause.crash_class
    lines = [chance.choice(INTERPOSED)] if chance.random() < INTERPOSED_SHARE else []
    for depth, (function, offset) in enumerate(zip(cause.path, cause.offsets, strict=True)):
        if depth and chance.random() < INLINED_SHARE:
            continue
        line = function.begins[release] + offset + (0 if depth else nearby)
        lines.append(f"{_spelled(chance, function)} {function.file}:{line}")
    outer = chance.sample(projects[cause.project], chance.randint(1, 4))
    lines += [f"{_spelled(chance, f)} {f.file}:{f.begins[release] + chance.randrange(1, 99)}" for f in outer]
    program = chance.choice(("LLVMFuzzerTestOneInput fuzz/fuzzer.cc:31", "main tools/tool.c:88", "main test/run.c:12"))
    lines += [program, "__libc_start_main ../csu/libc-start.c:360", "_start (/build/tool+0x2d470)"]
    log = "".join(_log(chance, cause, crash_class, lines))
    return Report(f"r{number:06}", f"pkg:generic/project{cause.project}@{RELEASES[release]}", log, index)


def _spelled(chance: Random, function: Function) -> str:
    """Return a function's name as one compiler writes it: with arguments, or with the suffix of a part of it."""
    if function.template:
        return f"{function.name}<{chance.choice(ARGUMENTS)}>::step({chance.choice(ARGUMENTS)}*) const"
    return function.name + chance.choice(SUFFIXES)


def _log(chance: Random, cause: Cause, crash_class: str, lines: list[str]) -> Iterator[str]:
    process, address = chance.randrange(1000, 99999), chance.randrange(1 << 44, 1 << 47)
    yield f"==={process}==ERROR: AddressSanitizer: {crash_class} on address 0x{address:012x} at pc 0x{address >> 3:x}\n"
    if crash_class == "SEGV":
        yield f"=={process}==The signal is caused by a {cause.direction} memory access.\n"
    else:
        yield f"{cause.direction} of size {chance.choice((1, 2, 4, 8))} at 0x{address:012x} thread T0\n"
    for number, line in enumerate(lines):
        yield f"    #{number} 0x{chance.randrange(1 << 40, 1 << 46):x} in {line}\n"
    yield f"\nSUMMARY: AddressSanitizer: {crash_class}\n=={process}==ABORTING\n"
