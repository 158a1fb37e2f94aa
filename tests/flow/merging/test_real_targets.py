"""The groups that real crashes of published software have to fall into; read in place, never copied here."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from leadtime.flow.merging import Evidence, compare, group, parse_stack
from tests.flow.merging.factories import evidence

TARGETS = Path(__file__).parents[4] / "shared" / "data" / "targets"

pytestmark = pytest.mark.skipif(not TARGETS.is_dir(), reason=f"the test data folder {TARGETS} is not on this machine")


def crashes() -> dict[str, Evidence]:
    """Evidence of every recorded crash that has a stack, by target and input."""
    found = {}
    for path in sorted(TARGETS.glob("*/*.vulnerable.txt")):
        target = json.loads((path.parent / "target.json").read_text())
        stack = parse_stack(path.read_text())
        component, _, release = target["purl_vulnerable"].partition("@")
        base = evidence(len(found) + 1, component=component, release=release)
        found[f"{path.parent.name}/{path.name.removesuffix('.vulnerable.txt')}"] = Evidence(
            report=base.report,
            finder=base.finder,
            component=component,
            release=release,
            fixed_release=target["purl_fixed"].partition("@")[2],
            crash_class=stack.crash_class,
            access=stack.access,
            frames=stack.frames,
        )
    return {name: one for name, one in found.items() if one.frames}


def test_inputs_of_one_flaw_meet_and_no_others():
    found = crashes()
    names = {one.report: name for name, one in found.items()}
    together = {frozenset(names[r] for r in members) for members in group(list(found.values())) if len(members) > 1}
    assert together == {
        frozenset({"ujson-cve-2021-45958/a", "ujson-cve-2021-45958/b"}),
        frozenset({"sqlite-bug-in4-001/in4-001", "sqlite-bug-in4-001/in6-002"}),
        frozenset({"pillow-cve-2020-11538/sgi_crash.bin", "pillow-cve-2020-11538/sgi_overrun_expandrowF04.bin"}),
    }


def test_equal_top_names_are_not_enough():
    found = crashes()
    a, b = found["sqlite-bug-in4-001/in4-001"], found["sqlite-cve-2019-19923/join-007"]
    assert [frame.function for frame in a.frames[:3]] == [frame.function for frame in b.frames[:3]]
    assert compare(a, b) is None


def test_a_flaw_that_outlived_anothers_fix_is_another():
    found = crashes()
    first = found["pillow-cve-2020-5312/pcx_overrun2.bin"]
    second = found["pillow-cve-2020-35653/ossfuzz-4836216264589312.pcx"]
    assert first.frames[0].function == second.frames[0].function == "unpackP2L"
    assert compare(first, second) is None


def test_every_two_inputs_of_different_targets_stay_apart():
    for (a, left), (b, right) in combinations(crashes().items(), 2):
        if a.partition("/")[0] != b.partition("/")[0]:
            assert compare(left, right) is None, (a, b)
