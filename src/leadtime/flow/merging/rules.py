"""When two crashes are one flaw: pure, symmetric, and the same whatever the order in which they came.

A group is whatever links connect, but for two bounds that no number of reports gets around: a *near* fault is near
the group's first report, its anchor, so that a chain leads nowhere; and of a new report's links only the same fault
joins two vulnerabilities that are there already. What a link connects beyond that is suggested to a coordinator, so
joins and suggestions together are the same whoever came first. A person's *apart* (from a split) outlives them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, islice
from pathlib import PurePosixPath

from univers.version_range import RANGE_CLASS_BY_SCHEMES
from univers.versions import InvalidVersion

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.manners import Manner, manner_of
from leadtime.flow.merging.records import Evidence, Frame, Link, LinkKind, VulnerabilityId
from leadtime.foundation.errors import Conflict, Malformed
from leadtime.foundation.explanation import Explanation, Fact

NEAR_LINES_MAX = 3
"""Two faults of one function and caller this close are one statement seen through two compilers or two inputs."""

PATH_FRAMES = 4
"""Across releases lines move; this many leading functions must agree (three are not enough in an interpreter loop)."""

LINELESS_FRAMES = 3
"""Where a build kept no lines nothing finer than the names exists, so three of them have to do."""

LOOP_FRAMES = 3
"""A sampled hang stops anywhere in its loop: the innermost function of one lies this near the top of the other."""

LOOP_OVERLAP_MIN = 0.5
"""Share of the smaller sample's functions that the other sample shows too."""

RECURRENCES_MIN = 3
"""A function seen this often in one stack belongs to the recursion that filled it."""

RECURSION_OVERLAP_MIN = 0.8
"""Share of recurring functions that two stack overflows have in common (Jaccard)."""

COMMON_FAULTS_MAX = 9
"""A function near the top of more reports than this is a dispatcher or an accessor: alone it links nothing."""

RARE_REPORTS = 3
"""A function that no more reports than these show near their top is a coincidence too odd to ignore."""

SPLIT_PAIRS_MAX = 100_000
"""Pairs of reports that one split may set apart; each is a row for ever."""

NAMES_FRAMES = 3
"""How many top frames a summary without lines carries."""


STRENGTH: tuple[LinkKind, ...] = tuple(LinkKind)
"""Strongest first: the order in which links are followed when a person has set reports apart."""

JOINING = frozenset({LinkKind.SAME_FAULT})
"""Kinds that join vulnerabilities which are there already: equal places, not alike ones, so nothing lies in between."""

ALIKE_PAIRS_MAX = 20_000
"""Comparisons that looking for suggestions takes at most."""

SENTENCES: Mapping[LinkKind, str] = {
    LinkKind.SAME_PATCH: "one patch, which keeps the subject building, silences both reproducers",
    LinkKind.SAME_FAULT: "both fail on the same line of the same function, called from the same function",
    LinkKind.NEAR_FAULT: "in one release both fail in the same way within "
    f"{NEAR_LINES_MAX} lines of the same function, called from the same function",
    LinkKind.SAME_RECURSION: "both exhaust the stack through the same recurring functions",
    LinkKind.SAME_LOOP: "both never end, seen in the same loop, with no two different fixed releases",
    LinkKind.SAME_PATH: "both fail in the same way on the same path of functions, neither release past the other's fix",
    LinkKind.SAME_INPUT: "both reproducers feed the same bytes to the same component",
    LinkKind.SAME_PLACE: "both claim the same function, or close lines, of a file of one name, and the same kind of "
    "weakness in it",
    LinkKind.LIKE_WORDS: "the words of both reports on the same component are much alike",
    LinkKind.SAME_NAMES: "without lines, the names of the failing functions agree and are not common to many reports",
}


OUTLIVED = ", although one failed in or after the release that was seen to end the other"


def place_of(evidence: Evidence) -> tuple[str, ...]:
    """Return where evidence that could ever be linked to this meets: linked pairs always share it."""
    manner = manner_of(evidence.crash_class)
    if manner is Manner.CRASH and evidence.frames:
        return (evidence.component, manner.value, evidence.frames[0].function)
    return (evidence.component, manner.value)


def compare(a: Evidence, b: Evidence) -> Link | None:
    """Return the link between two reports of one component, or None if their evidence does not make them one flaw."""
    kind = _kind(a, b)
    if kind is None or _outlives_fix(a, b) or _outlives_fix(b, a):
        return None
    return _link(a, b, kind)


def suggest(a: Evidence, b: Evidence) -> Link | None:
    """Return the link that a person should see: that of `compare`, or the same fault although one outlived a fix.

    A fix is what its finder's recipe ran and saw end well: that keeps two apart, but not unseen.
    """
    kind = _kind(a, b)
    if kind is LinkKind.SAME_FAULT and (_outlives_fix(a, b) or _outlives_fix(b, a)):
        return _link(a, b, kind, OUTLIVED)
    return compare(a, b)


def compare_names(a: Evidence, b: Evidence, seen: Mapping[tuple[str, str], int]) -> Link | None:
    """Return the link between two summaries that carry no lines, or None.

    ``seen`` counts, for each (component, function), the reports that show it among their top frames (`count_names`):
    a name that many reports share proves nothing, one that only these two share proves more.
    """
    if a.component != b.component or manner_of(a.crash_class) is not manner_of(b.crash_class):
        return None
    left, right = functions_of(a.frames, NAMES_FRAMES), functions_of(b.frames, NAMES_FRAMES)
    shared = set(left) & set(right)
    if not shared:
        return None
    rarest = min(seen[(a.component, function)] for function in shared)
    identical = left == right and len(left) == NAMES_FRAMES
    same_fault = left[0] == right[0] and a.crash_class == b.crash_class and rarest <= COMMON_FAULTS_MAX
    odd = (a.crash_class, a.access) == (b.crash_class, b.access) and rarest <= RARE_REPORTS
    return _link(a, b, LinkKind.SAME_NAMES) if identical or same_fault or odd else None


def count_names(evidences: Iterable[Evidence]) -> Counter[tuple[str, str]]:
    """Return how many reports show each (component, function) among their top frames."""
    return Counter(
        (evidence.component, function)
        for evidence in evidences
        for function in set(functions_of(evidence.frames, NAMES_FRAMES))
    )


def group(
    evidences: Sequence[Evidence], apart: AbstractSet[frozenset[ReportId]] = frozenset()
) -> frozenset[frozenset[ReportId]]:
    """Return the partition of the reports into flaws; pairs in ``apart`` never share one (I7)."""
    places: dict[tuple[str, ...], list[Evidence]] = {}
    for evidence in evidences:
        places.setdefault(place_of(evidence), []).append(evidence)
    links = [link for met in places.values() for a, b in combinations(met, 2) if (link := compare(a, b))]
    return partition(({evidence.report} for evidence in evidences), links, apart)


def partition(
    groups: Iterable[AbstractSet[ReportId]],
    links: Iterable[Link],
    apart: AbstractSet[frozenset[ReportId]] = frozenset(),
) -> frozenset[frozenset[ReportId]]:
    """Return the disjoint ``groups`` joined by ``links``, strongest first, unless that joins a pair of ``apart``."""
    group_of = {report: members for group in groups for members in [set(group)] for report in group}
    anchor_of = {id(members): min(members) for members in group_of.values()}
    for link in sorted(links, key=lambda link: (STRENGTH.index(link.kind), link.first.int, link.second.int)):
        small, large = sorted((group_of[link.first], group_of[link.second]), key=len)
        if small is large or any(pair & small and pair & large for pair in apart):
            continue
        anchors = {anchor_of[id(small)], anchor_of[id(large)]}
        if link.kind is LinkKind.NEAR_FAULT and anchors != {link.first, link.second}:
            continue
        large |= small
        anchor_of[id(large)] = min(anchors)
        group_of.update(dict.fromkeys(small, large))
    return frozenset(frozenset(members) for members in group_of.values())


def choose(
    report: ReportId, links: Iterable[Link], held_by: Mapping[ReportId, VulnerabilityId]
) -> tuple[frozenset[VulnerabilityId], tuple[Link, ...]]:
    """Return the vulnerabilities that a new report belongs to by its links, and the links that say so.

    The same fault leads into all it is found in. Any other kind admits the report to one vulnerability, by the
    strongest link and then to the oldest, and joins no two; a near fault only if it is near the report that was merged
    first there. ``held_by`` names the vulnerability of every report that could be linked, in the order of merging.
    """
    anchors: dict[VulnerabilityId, ReportId] = {}
    for known, vulnerability in held_by.items():
        anchors.setdefault(vulnerability, known)
    counting: list[tuple[int, VulnerabilityId, Link]] = []
    for link in links:
        other = link.second if link.first == report else link.first
        if link.kind is not LinkKind.NEAR_FAULT or other == anchors[held_by[other]]:
            counting.append((STRENGTH.index(link.kind), held_by[other], link))
    counting.sort(key=lambda one: one[:2])
    chosen = frozenset(held for _, held, link in counting if link.kind in JOINING)
    chosen = chosen or frozenset(held for _, held, _ in counting[:1])
    return chosen, tuple(link for _, held, link in counting if held in chosen)


def why_same_patch(patch: str) -> Explanation:
    """Return why two vulnerabilities may be one that a patch, named by its digest, silences."""
    return Explanation(
        decision="one flaw",
        rule=f"{LinkKind.SAME_PATCH.value}: {SENTENCES[LinkKind.SAME_PATCH]}",
        facts=(Fact("patch", patch, "runs of both reproducers with the patch applied"),),
    )


def why_claimed(kind: LinkKind, report: ReportId) -> Explanation:
    """Return why a vulnerability may be one with another, by what ``report``, one of the other's, claims."""
    return Explanation(
        decision="one flaw",
        rule=f"{kind.value}: {SENTENCES[kind]}",
        facts=(Fact("report", str(report), "the word of its finder, which joins nothing"),),
    )


def why_joined(reason: str) -> Explanation:
    """Return why two vulnerabilities are one because a coordinator says so."""
    return Explanation(
        decision="one flaw",
        rule="a coordinator joined two vulnerabilities",
        facts=(Fact("reason", reason, "the coordinator who joined them"),),
    )


def check_join(
    apart: AbstractSet[frozenset[ReportId]], one: AbstractSet[ReportId], other: AbstractSet[ReportId]
) -> None:
    """Return if a person may join two vulnerabilities' reports, none of them set ``apart``.

    Raises `Malformed` for one and the same, and `Conflict` for two that somebody split.
    """
    if one & other:
        raise Malformed("this is one vulnerability already", where="other", next_step="Name another one.")
    if any(pair & one and pair & other for pair in apart):
        raise Conflict(
            "somebody split these two apart, for good",
            where="other",
            next_step="Read why in the history of their cases.",
        )


def survivor_of(held: Iterable[VulnerabilityId]) -> VulnerabilityId | None:
    """Return the vulnerability that joined ones go on as: the oldest, because most people know it; None of none."""
    return min(held, default=None)


def why_new(evidence: Evidence) -> Explanation:
    """Return why a report begins a vulnerability of its own."""
    return Explanation(
        decision="a new vulnerability",
        rule="no earlier report of this component shares its root cause",
        facts=_facts_of(evidence),
    )


def check_split(reports: AbstractSet[ReportId], leaving: AbstractSet[ReportId]) -> None:
    """Return if ``leaving`` is a part of ``reports`` that leaves something behind, else raise `Malformed`."""
    if not leaving <= reports:
        raise Malformed(
            "a report that is to leave is not in this vulnerability",
            where="reports",
            next_step="Read the vulnerability again and choose among its reports.",
        )
    if not leaving or leaving == reports:
        raise Malformed(
            "a split leaves at least one report on each side", where="reports", next_step="Choose some, not all."
        )
    if len(leaving) * len(reports - leaving) > SPLIT_PAIRS_MAX:
        raise Malformed(
            f"this split would set more than {SPLIT_PAIRS_MAX} pairs of reports apart",
            where="reports",
            next_step="Split off fewer reports.",
        )


def functions_of(frames: Sequence[Frame], count_max: int) -> tuple[str, ...]:
    """Return the first distinct functions of a stack, innermost first: recursion and its depth say nothing."""
    first = tuple([frame.function for frame in frames[:count_max]])
    if len(set(first)) == count_max:
        return first
    return tuple(islice(dict.fromkeys(frame.function for frame in frames), count_max))


def _kind(a: Evidence, b: Evidence) -> LinkKind | None:
    """Return what the two have in common, whatever is said to be fixed."""
    manner = manner_of(a.crash_class)
    if a.component != b.component or manner is not manner_of(b.crash_class) or not a.frames or not b.frames:
        return None
    return _COMPARISONS[manner](a, b)


def _compare_crashes(a: Evidence, b: Evidence) -> LinkKind | None:
    left, right = a.frames[0], b.frames[0]
    if left.function != right.function or not _files_agree(left, right):
        return None
    same_caller = functions_of(a.frames, 2)[1:] == functions_of(b.frames, 2)[1:]
    if left.line is None or right.line is None:
        return _compare_paths(a, b, LINELESS_FRAMES)
    if left.line == right.line and same_caller:
        return LinkKind.SAME_FAULT
    if not _same_source(a, b):
        return _compare_paths(a, b, PATH_FRAMES)
    near = abs(left.line - right.line) <= NEAR_LINES_MAX
    return LinkKind.NEAR_FAULT if near and same_caller and _same_way(a, b) else None


def _compare_paths(a: Evidence, b: Evidence, frames_min: int) -> LinkKind | None:
    left, right = functions_of(a.frames, frames_min), functions_of(b.frames, frames_min)
    return LinkKind.SAME_PATH if left == right and len(left) == frames_min and _same_way(a, b) else None


def _compare_hangs(a: Evidence, b: Evidence) -> LinkKind | None:
    if a.fixed_release and b.fixed_release and a.fixed_release != b.fixed_release:
        return None
    left, right = _sites(a.frames), _sites(b.frames)
    meets = left[0] in right[:LOOP_FRAMES] or right[0] in left[:LOOP_FRAMES]
    overlap = len(set(left) & set(right)) / min(len(left), len(right))
    return LinkKind.SAME_LOOP if meets and overlap >= LOOP_OVERLAP_MIN else None


def _compare_recursions(a: Evidence, b: Evidence) -> LinkKind | None:
    left, right = _recurring(a.frames), _recurring(b.frames)
    if not left or not right:
        return _compare_crashes(a, b)
    overlap = len(left & right) / len(left | right)
    return LinkKind.SAME_RECURSION if overlap >= RECURSION_OVERLAP_MIN else None


_COMPARISONS = {
    Manner.CRASH: _compare_crashes,
    Manner.HANG: _compare_hangs,
    Manner.RECURSION: _compare_recursions,
}


def _recurring(frames: tuple[Frame, ...]) -> set[tuple[str, str]]:
    counted = Counter(_site(frame) for frame in frames)
    return {site for site, times in counted.items() if times >= RECURRENCES_MIN}


def _same_way(a: Evidence, b: Evidence) -> bool:
    """Tell whether class and direction agree; the size of an access depends on the input, not on the flaw."""
    return a.crash_class == b.crash_class and a.access.split()[:1] == b.access.split()[:1]


def _same_source(a: Evidence, b: Evidence) -> bool:
    """Tell whether lines of the two mean the same text: one release, or where that is unknown one path."""
    if a.release and b.release:
        return a.release == b.release
    return a.frames[0].file == b.frames[0].file


def _outlives_fix(a: Evidence, b: Evidence) -> bool:
    """Tell whether ``a`` failed in a release in or after the one that was seen to end ``b``."""
    if not a.release or not b.fixed_release or a.release == b.release:
        return False
    scheme = RANGE_CLASS_BY_SCHEMES.get(a.component.removeprefix("pkg:").partition("/")[0])
    if scheme is None or scheme.version_class is None:
        return False
    try:
        return bool(scheme.version_class(b.fixed_release) <= scheme.version_class(a.release))
    except InvalidVersion:
        return False


def _files_agree(left: Frame, right: Frame) -> bool:
    """Tell whether two frames may lie in one file; directories differ between builds, and lineless builds name none."""
    return left.file is None or right.file is None or _site(left) == _site(right)


def _site(frame: Frame) -> tuple[str, str]:
    return frame.function, PurePosixPath(frame.file or "").name


def _sites(frames: Iterable[Frame]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(_site(frame) for frame in frames))


def _link(a: Evidence, b: Evidence, kind: LinkKind, more: str = "") -> Link:
    first, second = sorted((a, b), key=lambda evidence: evidence.report.int)
    why = Explanation(
        decision="one flaw",
        rule=f"{kind.value}: {SENTENCES[kind]}{more}",
        facts=(*_facts_of(first), *_facts_of(second)),
    )
    return Link(first.report, second.report, kind, why)


def _facts_of(evidence: Evidence) -> tuple[Fact, ...]:
    source = f"reproduction of report {evidence.report}"
    return (
        Fact("component", evidence.component or "not named", source),
        Fact("failed in", evidence.release or "not known", source),
        Fact("class", f"{evidence.crash_class} {evidence.access}".strip(), source),
        Fact("frames", " < ".join(frame.text for frame in evidence.frames[:PATH_FRAMES]), source),
    )
