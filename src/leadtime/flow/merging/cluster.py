"""Groups crash texts by root cause, with no server and nothing kept: the rules of merging on what a text alone says."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, pairwise, starmap
from uuid import UUID

from packageurl import PackageURL

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.faults import PAIRS_MAX, Crash, group_faults
from leadtime.flow.merging.manners import Manner, manner_of
from leadtime.flow.merging.records import Evidence, Link
from leadtime.flow.merging.rules import (
    COMMON_FAULTS_MAX,
    NAMES_FRAMES,
    PATH_FRAMES,
    compare,
    compare_names,
    count_names,
    functions_of,
    partition,
    place_of,
)
from leadtime.flow.merging.stacks import Stack, parse_stack
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.errors import Refused

REPORTS_MAX = 100_000

WAYS_KEPT_MAX = 1024
"""Pairs of class and access whose reading is kept: reports share a few dozen."""

_NOBODY = OrganisationId(UUID(int=0))


@dataclass(frozen=True, slots=True)
class CrashText:
    """One crash report as text; ``id`` is the caller's own, ``component`` a purl or any name."""

    id: str
    component: str
    text: str


def cluster(texts: Sequence[CrashText]) -> dict[str, str]:
    """Return, for each id in order, the group it belongs to, named by the first id (in text order) in the group.

    The grouping does not depend on the order of ``texts``. Refuses over `REPORTS_MAX` texts, and texts so many of
    which fail in one function in different ways that over `PAIRS_MAX` comparisons were needed.
    """
    if len(texts) > REPORTS_MAX:
        raise Refused(
            f"there are more than {REPORTS_MAX} crash reports", next_step="Split the file, for example by component."
        )
    ordered = sorted(texts, key=lambda text: text.id)
    named: dict[Hashable, str] = {}
    groups = group_stacks([(text.component, parse_stack(text.text)) for text in ordered])
    first = {text.id: named.setdefault(group, text.id) for text, group in zip(ordered, groups, strict=True)}
    return {text.id: first[text.id] for text in texts}


def group_stacks(stacks: Sequence[tuple[str, Stack]]) -> list[int]:
    """Return a group's number for each stack and the component (a purl or any name) that it is of."""
    components = {component: _split_purl(component) for component in {component for component, _ in stacks}}
    groups = group_faults(_crash(*components[component], stack) for component, stack in stacks)
    others = [
        _evidence(number, *components[stacks[number][0]], stacks[number][1])
        for number, group in enumerate(groups)
        if group is None
    ]
    found = partition(({evidence.report} for evidence in others), _links(others))
    group_of = {report.int: group for group, members in enumerate(found, start=len(stacks)) for report in members}
    return [group_of[number] if group is None else group for number, group in enumerate(groups)]


def _crash(component: str, release: str | None, stack: Stack) -> Crash | None:
    """Return what says where a program crashed, or None for what hung, ran out of stack, or carries no lines."""
    frames = stack.frames
    way = _way_of(stack.crash_class, stack.access)
    if way is None or not frames:
        return None
    path, line = frames[0].file, frames[0].line
    if path is None or line is None:
        return None
    return Crash(component, release or path, functions_of(frames, PATH_FRAMES), path.rpartition("/")[2], line, way)


@lru_cache(maxsize=WAYS_KEPT_MAX)
def _way_of(crash_class: str, access: str) -> tuple[str, str] | None:
    """Return class and direction of a crash; None for what hung or ran out of stack."""
    return (crash_class, access.partition(" ")[0]) if manner_of(crash_class) is Manner.CRASH else None


def _evidence(number: int, component: str, release: str | None, stack: Stack) -> Evidence:
    return Evidence(
        report=ReportId(UUID(int=number)),
        finder=_NOBODY,
        component=component,
        release=release,
        fixed_release=None,
        crash_class=stack.crash_class,
        access=stack.access,
        frames=stack.frames,
    )


def _split_purl(component: str) -> tuple[str, str | None]:
    """Return a purl without its version, and the version; any other name as it is."""
    try:
        purl = PackageURL.from_string(component)
    except ValueError:
        return component, None
    return PackageURL(purl.type, purl.namespace, purl.name).to_string(), purl.version


def _links(evidences: Sequence[Evidence]) -> Iterator[Link]:
    """Yield enough links to connect what the rules connect.

    Text with lines is compared with text with lines, and text without with its like: a text that names functions only
    would otherwise bridge two flaws that their lines tell apart.
    """
    told = [evidence for evidence in evidences if evidence.frames]
    yield from _line_links([evidence for evidence in told if evidence.frames[0].line is not None])
    yield from _name_links([evidence for evidence in told if evidence.frames[0].line is None])


def _line_links(evidences: Sequence[Evidence]) -> Iterator[Link]:
    """Yield links among texts with lines; equal stacks are compared with their first copy only."""
    pairs_left = PAIRS_MAX
    for met in _meeting(evidences, lambda e: [place_of(e)]):
        copies = _meeting(met, lambda e: [(e.crash_class, e.access, e.frames)])
        pairs_left -= len(copies) * (len(copies) - 1) // 2
        if pairs_left < 0:
            raise Refused(
                "too many different stacks fail in one function", next_step="Split the file, for example by component."
            )
        same = (pair for alike in copies for pair in pairwise(alike))
        different = combinations([alike[0] for alike in copies], 2)
        yield from filter(None, starmap(compare, chain(same, different)))


def _name_links(evidences: Sequence[Evidence]) -> Iterator[Link]:
    """Yield links among texts without lines: equal names in a chain, and every pair that shares an uncommon name."""
    seen = count_names(evidences)
    identical = _meeting(evidences, lambda e: [(e.component, manner_of(e.crash_class), _top(e))])
    sharing = _meeting(
        evidences, lambda e: [(e.component, name) for name in _top(e) if seen[(e.component, name)] <= COMMON_FAULTS_MAX]
    )
    pairs = chain(
        (pair for met in identical for pair in pairwise(met)),
        (pair for met in sharing for pair in combinations(met, 2)),
    )
    yield from filter(None, (compare_names(a, b, seen) for a, b in pairs))


def _top(evidence: Evidence) -> tuple[str, ...]:
    return functions_of(evidence.frames, NAMES_FRAMES)


def _meeting(evidences: Iterable[Evidence], keys_of: Callable[[Evidence], Iterable[Hashable]]) -> list[list[Evidence]]:
    """Return the evidence that shares a key, key by key."""
    met: dict[Hashable, list[Evidence]] = {}
    for evidence in evidences:
        for key in keys_of(evidence):
            met.setdefault(key, []).append(evidence)
    return list(met.values())
