"""Groups many crashes at once by the line they fail on, knowing of each function how far its lines moved.

Two reports alone cannot say whether line 40 of one release is line 52 of the next. Many can: the lines of a function
move together, so the shift that most reports agree on is followed first, and no group ever holds two faults that one
release shows on distant lines.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from leadtime.flow.merging.rules import NEAR_LINES_MAX, PATH_FRAMES
from leadtime.foundation.errors import Refused

PAIRS_MAX = 5_000_000
"""Pairs of distinct faults, or of distinct stacks of two faults, that one grouping looks at."""

_AWAY = tuple(sorted(range(-NEAR_LINES_MAX, NEAR_LINES_MAX + 1), key=abs))


class Crash(NamedTuple):
    """A crash as far as grouping looks at it: equal crashes are one.

    ``source`` names the text that lines are of (a release, or a path), ``functions`` are the first `PATH_FRAMES`
    distinct ones, ``file`` is without folders, ``way`` is class and direction.
    """

    component: str
    source: str
    functions: tuple[str, ...]
    file: str
    line: int
    way: tuple[str, str]


@dataclass(slots=True, eq=False)
class _Fault:
    """One line of one source, reached through one caller; ``group`` leads to the fault that speaks for its group.

    ``place`` tells it from all others, and settles ties by what the fault is: the number of its function, which depends
    on who came first, is the same in any two that could be joined.
    """

    place: tuple[int, str, int, tuple[str, ...]]
    function: int
    source: str
    line: int
    caller: tuple[str, ...]
    stacks: list[Crash]
    reports: int = 0
    group: _Fault | None = None


class _Budget:
    """Counts down what may still be compared."""

    def __init__(self) -> None:
        self.pairs_left = PAIRS_MAX

    def spend(self, pairs: int) -> None:
        self.pairs_left -= pairs
        if self.pairs_left < 0:
            raise Refused(
                "too many different stacks fail in one function", next_step="Split the file, for example by component."
            )


def group_faults(crashes: Iterable[Crash | None]) -> list[int | None]:
    """Return a group's number for each crash, None for None; which share one does not depend on their order.

    Raises `Refused` where so many different stacks fail in one function that over `PAIRS_MAX` pairs would be compared.
    """
    known: dict[Crash | None, int] = {}
    which = [known.setdefault(crash, len(known)) for crash in crashes]
    fault_of = _read_faults(known, Counter(which))
    faults = list(dict.fromkeys(fault for fault in fault_of if fault is not None))
    budget = _Budget()
    _join_near(faults, budget)
    led: dict[_Fault, tuple[_Fault, ...]] = {}
    speakers = [fault for fault in faults if fault.group is None]
    for one, other in _in_order_of_agreement(speakers, budget):
        _join_moved(_speaker(one), _speaker(other), led, budget)
    numbers: dict[_Fault, int] = {}
    groups = [None if fault is None else numbers.setdefault(_speaker(fault), len(numbers)) for fault in fault_of]
    return [groups[number] for number in which]


def _read_faults(known: Mapping[Crash | None, int], reports: Mapping[int, int]) -> list[_Fault | None]:
    """Return which fault each distinct crash is of, by the crash's number."""
    functions: dict[tuple[str, str, str], int] = {}
    at: dict[tuple[int, str, int, tuple[str, ...]], _Fault] = {}
    fault_of: list[_Fault | None] = []
    for crash, number in known.items():
        if crash is None:
            fault_of.append(None)
            continue
        component, source, names, file, line, _ = crash
        function = functions.setdefault((component, names[0], file), len(functions))
        place = function, source, line, names[1:2]
        fault = at.get(place)
        if fault is None:
            fault = at[place] = _Fault(place, *place, [])
        fault.stacks.append(crash)
        fault.reports += reports[number]
        fault_of.append(fault)
    return fault_of


def _join_near(faults: Iterable[_Fault], budget: _Budget) -> None:
    """Give each fault to a more frequent one of its source that lies within `NEAR_LINES_MAX` lines and agrees."""
    in_function: defaultdict[tuple[int, str], list[_Fault]] = defaultdict(list)
    for fault in faults:
        in_function[fault.function, fault.source].append(fault)
    for close in in_function.values():
        if len(close) > 1:
            close.sort(key=lambda fault: (-fault.reports, fault.place))
            anchors: defaultdict[int, list[_Fault]] = defaultdict(list)
            for fault in close:
                near = [
                    one for away in _AWAY for one in anchors.get(fault.line + away, ()) if _agree(one, fault, budget)
                ]
                fault.group = _only(near, fault)
                if fault.group is None:
                    anchors[fault.line].append(fault)


def _only(near: Sequence[_Fault], fault: _Fault) -> _Fault | None:
    """Return the one that a fault is near, or None; a call that may have been inlined must leave no choice."""
    same = next((one for one in near if one.caller == fault.caller), None)
    return near[0] if same is None and len({one.caller for one in near}) == 1 else same


def _agree(one: _Fault, other: _Fault, budget: _Budget) -> bool:
    """Tell whether two near faults of one source are one: by the caller, and off the line by the way, too."""
    if not _same_caller(one, other, budget):
        return False
    return one.line == other.line or not {s.way for s in one.stacks}.isdisjoint(s.way for s in other.stacks)


def _same_caller(one: _Fault, other: _Fault, budget: _Budget) -> bool:
    """Tell whether the callers agree, or would if one compiler had not inlined the first of them."""
    budget.spend(len(one.stacks) * len(other.stacks))
    if one.caller == other.caller:
        return True
    return any(_skips(a.functions, b.functions) for a in one.stacks for b in other.stacks)


def _skips(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(one) == len(other) == PATH_FRAMES and (one[2:] == other[1:3] or one[1:3] == other[2:])


def _in_order_of_agreement(faults: Sequence[_Fault], budget: _Budget) -> list[tuple[_Fault, _Fault]]:
    """Return pairs of faults that are one if lines moved by some shift, the shift that most reports agree on first."""
    shift_of: dict[tuple[_Fault, _Fault], tuple[int, str, str, int]] = {}
    agreeing: dict[tuple[int, str, str, int], int] = {}
    for met in _meetings(faults):
        budget.spend(len(met) * (len(met) - 1) // 2)
        for pair in combinations(met, 2):
            one, other = pair if pair[0].source < pair[1].source else pair[::-1]
            if one.source != other.source and (one, other) not in shift_of:
                shift = one.function, one.source, other.source, other.line - one.line
                shift_of[one, other] = shift
                agreeing[shift] = agreeing.get(shift, 0) + min(one.reports, other.reports)
    return sorted(
        shift_of,
        key=lambda pair: (-agreeing[shift_of[pair]], abs(shift_of[pair][3]), pair[0].place, pair[1].place),
    )


def _meetings(faults: Sequence[_Fault]) -> Iterator[list[_Fault]]:
    """Yield the faults of one function that meet: on one path in one way, or on one line from one caller."""
    in_function: defaultdict[int, list[_Fault]] = defaultdict(list)
    for fault in faults:
        in_function[fault.function].append(fault)
    for near in in_function.values():
        if len(near) > 1:
            met: defaultdict[tuple[object, ...], list[_Fault]] = defaultdict(list)
            for fault in near:
                met[fault.line, fault.caller].append(fault)
                for stack in fault.stacks:
                    if len(stack.functions) == PATH_FRAMES:
                        met[stack.functions, stack.way].append(fault)
            yield from (one for one in met.values() if len(one) > 1)


def _join_moved(one: _Fault, other: _Fault, led: dict[_Fault, tuple[_Fault, ...]], budget: _Budget) -> None:
    """Join two groups unless one source shows a fault of each on distant lines, or from different callers.

    ``led`` holds the faults of each group by the one that speaks for it; a fault alone is not in it.
    """
    mine, others = led.get(one, (one,)), led.get(other, (other,))
    if one is other or any(_told_apart(a, b, budget) for a in mine for b in others):
        return
    other.group = one
    led[one] = mine + others


def _told_apart(one: _Fault, other: _Fault, budget: _Budget) -> bool:
    if one.source != other.source:
        return False
    away = abs(one.line - other.line)
    return away > NEAR_LINES_MAX or (away == 0 and not _same_caller(one, other, budget))


def _speaker(fault: _Fault) -> _Fault:
    """Return the fault that speaks for this one's group."""
    while fault.group is not None:
        fault = fault.group
    return fault
