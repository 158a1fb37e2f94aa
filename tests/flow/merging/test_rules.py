from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from leadtime.flow.merging import rules
from leadtime.flow.merging.manners import manner_of
from leadtime.flow.merging.records import Evidence, Frame, LinkKind, VulnerabilityId
from leadtime.flow.merging.rules import (
    OUTLIVED,
    SENTENCES,
    check_join,
    check_split,
    choose,
    compare,
    compare_names,
    count_names,
    functions_of,
    group,
    partition,
    place_of,
    suggest,
    survivor_of,
    why_claimed,
    why_joined,
    why_new,
    why_same_patch,
)
from leadtime.foundation.errors import Conflict, Malformed
from leadtime.foundation.explanation import Explanation, Fact
from tests.flow.merging.factories import evidence, frames, report

SIX = ("f a.c:1", "g a.c:2", "h a.c:3", "i a.c:4", "j a.c:5", "k a.c:6")


def kind(a: Evidence, b: Evidence) -> LinkKind | None:
    """The kind of link between two, checked both ways round."""
    there, back = compare(a, b), compare(b, a)
    assert there == back
    return there.kind if there else None


def test_frame_text_says_what_is_known():
    assert Frame("f", "a.c", 3).text == "f a.c:3"
    assert Frame("f", "a.c").text == "f a.c"
    assert Frame("f").text == "f"


@pytest.mark.parametrize(
    ("crash_class", "manner"),
    [
        ("timeout", "hang"),
        ("Timeout", "hang"),
        ("hang", "hang"),
        ("stack-overflow", "recursion"),
        ("RecursionError", "recursion"),
        ("java.lang.StackOverflowError", "recursion"),
        ("stack-buffer-overflow", "crash"),
        ("SEGV", "crash"),
        ("", "crash"),
    ],
)
def test_manner_follows_the_class(crash_class, manner):
    assert manner_of(crash_class).value == manner


def test_place_is_the_faulting_function_of_a_crash_and_the_component_otherwise():
    assert place_of(evidence(1, "f a.c:1")) == ("pkg:pypi/thing", "crash", "f")
    assert place_of(evidence(1, "f a.c:1", crash_class="timeout")) == ("pkg:pypi/thing", "hang")
    assert place_of(evidence(1, "f a.c:1", crash_class="stack-overflow")) == ("pkg:pypi/thing", "recursion")
    bare = Evidence(report(1), evidence().finder, "c", None, None, "SEGV", "", ())
    assert place_of(bare) == ("c", "crash")


class TestSameFault:
    def test_other_lines_above_the_fault_do_not_matter(self):
        a = evidence(1, "append enc.c:518", "encode enc.c:682", "encode enc.c:683", "dump enc.c:899")
        b = evidence(2, "append enc.c:518", "encode enc.c:726", "dump enc.c:899")
        assert kind(a, b) is LinkKind.SAME_FAULT

    def test_class_and_access_do_not_matter_on_one_line(self):
        assert kind(evidence(1), evidence(2, crash_class="SEGV", access="WRITE")) is LinkKind.SAME_FAULT

    def test_a_release_in_between_does_not_matter_on_one_line(self):
        assert kind(evidence(1), evidence(2, release="1.1")) is LinkKind.SAME_FAULT

    def test_directories_do_not_matter(self):
        a, b = evidence(1, "f x/a.c:1", "g x/a.c:2"), evidence(2, "f y/a.c:1", "g y/a.c:2")
        assert kind(a, b) is LinkKind.SAME_FAULT

    def test_another_calling_function_is_another_flaw(self):
        assert kind(evidence(1, "f a.c:1", "g a.c:2"), evidence(2, "f a.c:1", "h a.c:2")) is None

    def test_no_calling_function_on_either_side_agrees(self):
        assert kind(evidence(1, "f a.c:1"), evidence(2, "f a.c:1")) is LinkKind.SAME_FAULT
        assert kind(evidence(1, "f a.c:1"), evidence(2, "f a.c:1", "g a.c:2")) is None

    @pytest.mark.parametrize("other", ["g a.c:10", "leaf b.c:10"])
    def test_another_function_or_file_is_another_flaw(self, other):
        assert kind(evidence(1), evidence(2, other, "middle a.c:20", "outer a.c:30")) is None


class TestNearFault:
    def test_up_to_three_lines_away_is_one_flaw(self):
        assert rules.NEAR_LINES_MAX == 3
        near = evidence(2, "leaf a.c:13", "middle a.c:20")
        assert kind(evidence(1, "leaf a.c:10", "middle a.c:21"), near) is LinkKind.NEAR_FAULT

    def test_four_lines_away_is_another(self):
        assert kind(evidence(1), evidence(2, "leaf a.c:14", "middle a.c:20", "outer a.c:30")) is None

    def test_needs_class_direction_and_caller(self):
        near = ("leaf a.c:12", "middle a.c:20", "outer a.c:30")
        assert kind(evidence(1), evidence(2, *near, access="READ 8")) is LinkKind.NEAR_FAULT
        assert kind(evidence(1), evidence(2, *near, access="WRITE 1")) is None
        assert kind(evidence(1), evidence(2, *near, crash_class="SEGV")) is None
        assert kind(evidence(1), evidence(2, "leaf a.c:12", "other a.c:20")) is None

    def test_the_same_names_far_apart_in_one_release_are_two_flaws(self):
        a = evidence(1, "exec sqlite3.c:89405", "step sqlite3.c:82300", "sqlite3_step sqlite3.c:82365")
        b = evidence(2, "exec sqlite3.c:86423", "step sqlite3.c:82300", "sqlite3_step sqlite3.c:82365")
        assert kind(a, b) is None

    def test_without_a_release_one_path_is_one_text(self):
        a = evidence(1, *SIX, release=None)
        far = evidence(2, "f a.c:900", *SIX[1:], release=None)
        elsewhere = evidence(2, "f v2/a.c:900", *SIX[1:], release=None)
        assert kind(a, far) is None
        assert kind(a, elsewhere) is LinkKind.SAME_PATH
        assert kind(evidence(1, *SIX), evidence(2, "f a.c:900", *SIX[1:], release=None)) is None


class TestSamePath:
    def test_four_functions_agree_across_releases(self):
        a = evidence(1, *SIX, release="1.0")
        b = evidence(2, "f a.c:11", "g a.c:12", "g a.c:12", "h a.c:13", "i a.c:14", "x a.c:15", release="1.1")
        assert kind(a, b) is LinkKind.SAME_PATH

    def test_three_do_not_suffice(self):
        a = evidence(1, "f a.c:1", "g a.c:2", "h a.c:3", release="1.0")
        b = evidence(2, "f a.c:11", "g a.c:12", "h a.c:13", release="1.1")
        assert kind(a, b) is None

    def test_a_difference_among_the_four_does_not_suffice(self):
        b = evidence(2, "f a.c:11", "g a.c:12", "h a.c:13", "x a.c:14", release="1.1")
        assert kind(evidence(1, *SIX), b) is None

    def test_class_and_direction_must_agree(self):
        moved = ("f a.c:11", *SIX[1:])
        assert kind(evidence(1, *SIX), evidence(2, *moved, release="1.1", access="WRITE 1")) is None
        assert kind(evidence(1, *SIX), evidence(2, *moved, release="1.1", crash_class="SEGV")) is None

    def test_without_lines_three_names_suffice(self):
        a = evidence(1, "f", "g", "h")
        assert kind(a, evidence(2, "f", "g", "h", "i")) is LinkKind.SAME_PATH
        assert kind(a, evidence(2, "f a.c:1", "g a.c:2", "h a.c:3")) is LinkKind.SAME_PATH
        assert kind(evidence(1, "f", "g"), evidence(2, "f", "g")) is None
        assert kind(a, evidence(2, "f", "g", "x")) is None
        assert kind(evidence(1, "f a.c", "g", "h"), evidence(2, "f b.c", "g", "h")) is None


class TestFixes:
    """A release that came at or after the other's fix shows another flaw."""

    OLD = evidence(1, *SIX, component="pkg:pypi/pillow", release="6.2.1", fixed="6.2.2")

    @pytest.mark.parametrize("release", ["6.2.2", "8.0.1", "10.0"])
    def test_at_or_after_the_fix_is_another_flaw(self, release):
        assert kind(self.OLD, evidence(2, *SIX, component="pkg:pypi/pillow", release=release, fixed=None)) is None

    @pytest.mark.parametrize("release", ["6.2.0", "6.2.2rc1", None])
    def test_before_the_fix_or_unknown_is_no_objection(self, release):
        other = evidence(2, *SIX, component="pkg:pypi/pillow", release=release, fixed=None)
        assert kind(self.OLD, other) is LinkKind.SAME_FAULT

    def test_the_ecosystems_own_order_decides(self):
        a = evidence(1, *SIX, component="pkg:npm/thing", release="9.0.0", fixed="10.0.0")
        assert kind(a, evidence(2, *SIX, component="pkg:npm/thing", release="9.9.0", fixed=None)) is LinkKind.SAME_FAULT
        assert kind(a, evidence(2, *SIX, component="pkg:npm/thing", release="11.0.0", fixed=None)) is None

    def test_a_purls_type_names_the_ecosystem_whatever_its_namespace(self):
        a = evidence(1, *SIX, component="pkg:npm/%40scope/thing", release="9.0.0", fixed="10.0.0")
        assert kind(a, evidence(2, *SIX, component="pkg:npm/%40scope/thing", release="11.0.0", fixed=None)) is None

    def test_one_release_is_never_past_its_own_fix(self):
        still_failing = evidence(2, *SIX, component="pkg:pypi/pillow", release="6.2.1", fixed="6.0")
        assert kind(self.OLD, still_failing) is LinkKind.SAME_FAULT

    @pytest.mark.parametrize(("component", "release"), [("pkg:nosuch/x", "9"), ("", "9"), ("pkg:pypi/x", "not one")])
    def test_an_order_nobody_knows_is_no_objection(self, component, release):
        a = evidence(1, *SIX, component=component, release="1", fixed="2")
        assert kind(a, evidence(2, *SIX, component=component, release=release, fixed=None)) is LinkKind.SAME_FAULT


class TestHangs:
    def hang(self, number: int, *stack: str, **fields: str | None) -> Evidence:
        return evidence(number, *stack, crash_class="timeout", access="", **fields)

    def test_samples_anywhere_in_one_loop_are_one_flaw(self):
        a = self.hang(1, "match re.c:1", "tokens lexer.py:5", "get lexer.py:9", "lex init.py:1")
        b = self.hang(2, "tokens lexer.py:7", "get lexer.py:9", "lex init.py:1")
        assert kind(a, b) is LinkKind.SAME_LOOP

    def test_the_innermost_function_must_be_near_the_top_of_the_other(self):
        deep = self.hang(1, "p a.py:1", "q a.py:2", "x a.py:3", "tokens a.py:4")
        near = self.hang(1, "p a.py:1", "q a.py:2", "tokens a.py:4")
        top = self.hang(2, "tokens a.py:4")
        assert kind(deep, top) is None
        assert kind(near, top) is LinkKind.SAME_LOOP

    def test_half_of_the_smaller_sample_must_be_shared(self):
        a = self.hang(1, "loop a.py:1", "x a.py:2", "y a.py:3", "z a.py:4")
        half = self.hang(2, "loop a.py:1", "x a.py:2", "v b.py:3", "w b.py:4")
        less = self.hang(2, "loop a.py:1", "u b.py:2", "v b.py:3", "w b.py:4")
        assert kind(a, half) is LinkKind.SAME_LOOP
        assert kind(a, less) is None

    def test_shared_callers_alone_are_two_flaws(self):
        a = self.hang(1, "_open Psd.py:1", "__init__ ImageFile.py:2", "open Image.py:3")
        b = self.hang(2, "_open Eps.py:1", "__init__ ImageFile.py:2", "open Image.py:3")
        assert kind(a, b) is None

    def test_two_different_fixes_are_two_flaws(self):
        assert kind(self.hang(1, "f a.py:1", fixed="2.0"), self.hang(2, "f a.py:1", fixed="2.1")) is None
        assert kind(self.hang(1, "f a.py:1", fixed="2.0"), self.hang(2, "f a.py:1", fixed="2.0")) is LinkKind.SAME_LOOP
        assert kind(self.hang(1, "f a.py:1", fixed="2.0"), self.hang(2, "f a.py:1", fixed=None)) is LinkKind.SAME_LOOP


class TestRecursion:
    def deep(self, number: int, *stack: str, **fields: str | None) -> Evidence:
        return evidence(number, *stack, crash_class="stack-overflow", access="", **fields)

    def test_where_it_ran_out_does_not_matter(self):
        a = self.deep(1, "alloc a.c:1", *("walk a.c:2", "visit a.c:3") * 3)
        b = self.deep(2, "print b.c:9", *("visit a.c:3", "walk a.c:2") * 5)
        assert kind(a, b) is LinkKind.SAME_RECURSION

    def test_four_fifths_of_the_recurring_functions_must_agree(self):
        five = ("a x.c:1", "b x.c:2", "c x.c:3", "d x.c:4", "e x.c:5")
        assert kind(self.deep(1, *five * 3), self.deep(2, *five[:4] * 3)) is LinkKind.SAME_RECURSION
        assert kind(self.deep(1, *five * 3), self.deep(2, *five[:3] * 3)) is None

    def test_twice_is_no_recursion_and_the_fault_decides(self):
        a = self.deep(1, "f a.c:1", *("walk a.c:2",) * 3)
        b = self.deep(2, "f a.c:1", *("walk a.c:2",) * 2)
        other = self.deep(2, "g a.c:1", *("walk a.c:2",) * 2)
        assert kind(a, b) is LinkKind.SAME_FAULT
        assert kind(a, other) is None


class TestNever:
    def test_two_components(self):
        assert compare(evidence(1), evidence(2, component="pkg:pypi/other")) is None

    def test_two_manners(self):
        assert compare(evidence(1), evidence(2, crash_class="timeout")) is None

    def test_no_frames(self):
        bare = Evidence(report(2), evidence().finder, "pkg:pypi/thing", "1.0", "2.0", "SEGV", "", ())
        assert compare(evidence(1), bare) is None
        assert compare(bare, evidence(1)) is None


def test_every_link_explains_itself_from_the_older_report_on():
    a = evidence(1, "f a.c:1", "g a.c:2", "h a.c:3", "i a.c:4", "j a.c:5")
    b = evidence(2, "f a.c:1", "g a.c:2", release=None, component="pkg:pypi/thing", access="")
    link = compare(b, a)
    assert link is not None
    assert (link.first, link.second) == (report(1), report(2))
    first, second = f"reproduction of report {report(1)}", f"reproduction of report {report(2)}"
    assert link.why == Explanation(
        decision="one flaw",
        rule="same fault: both fail on the same line of the same function, called from the same function",
        facts=(
            Fact("component", "pkg:pypi/thing", first),
            Fact("failed in", "1.0", first),
            Fact("class", "heap-buffer-overflow READ 1", first),
            Fact("frames", "f a.c:1 < g a.c:2 < h a.c:3 < i a.c:4", first),
            Fact("component", "pkg:pypi/thing", second),
            Fact("failed in", "not known", second),
            Fact("class", "heap-buffer-overflow", second),
            Fact("frames", "f a.c:1 < g a.c:2", second),
        ),
    )


def test_a_first_report_says_why_it_begins_a_vulnerability():
    source = f"reproduction of report {report(1)}"
    assert why_new(evidence(1, "f a.c:1", release=None)) == Explanation(
        decision="a new vulnerability",
        rule="no earlier report of this component shares its root cause",
        facts=(
            Fact("component", "pkg:pypi/thing", source),
            Fact("failed in", "not known", source),
            Fact("class", "heap-buffer-overflow READ 1", source),
            Fact("frames", "f a.c:1", source),
        ),
    )


def test_a_component_that_is_not_named_says_so():
    link = compare(evidence(1, component=""), evidence(2, component=""))
    assert link is not None
    assert link.why.facts[0].value == "not named"


def test_each_kind_has_its_sentence():
    assert {kind.value: text for kind, text in rules.SENTENCES.items()} == {
        "same patch": "one patch, which keeps the subject building, silences both reproducers",
        "same fault": "both fail on the same line of the same function, called from the same function",
        "near fault": "in one release both fail in the same way within 3 lines of the same function, called from the "
        "same function",
        "same recursion": "both exhaust the stack through the same recurring functions",
        "same loop": "both never end, seen in the same loop, with no two different fixed releases",
        "same path": "both fail in the same way on the same path of functions, neither release past the other's fix",
        "same input": "both reproducers feed the same bytes to the same component",
        "same place": "both claim the same function, or close lines, of a file of one name, and the same kind of "
        "weakness in it",
        "like words": "the words of both reports on the same component are much alike",
        "same names": "without lines, the names of the failing functions agree and are not common to many reports",
    }


def test_each_kind_has_its_weight_and_a_stronger_one_weighs_more():
    weights = [kind.weight for kind in rules.STRENGTH]
    assert weights == [0.98, 0.97, 0.95, 0.9, 0.88, 0.85, 0.8, 0.5, 0.4, 0.3]


def test_a_patch_that_silences_two_says_which():
    assert why_same_patch("sha256:ab") == Explanation(
        "one flaw",
        "same patch: one patch, which keeps the subject building, silences both reproducers",
        (Fact("patch", "sha256:ab", "runs of both reproducers with the patch applied"),),
    )


def test_a_claim_says_whose_word_it_is():
    assert why_claimed(LinkKind.SAME_INPUT, report(7)) == Explanation(
        "one flaw",
        "same input: both reproducers feed the same bytes to the same component",
        (Fact("report", str(report(7)), "the word of its finder, which joins nothing"),),
    )


class TestNames:
    """Summaries of three names: `arvo`-like reports."""

    def linked(self, a: Evidence, b: Evidence, seen: int = 2) -> bool:
        counts = Counter({(a.component, name): seen for e in (a, b) for name in functions_of(e.frames, 9)})
        there, back = compare_names(a, b, counts), compare_names(b, a, counts)
        assert there == back
        assert there is None or there.kind is LinkKind.SAME_NAMES
        return there is not None

    def test_three_equal_names_are_one_flaw_however_common(self):
        assert self.linked(evidence(1, "f", "g", "h", "x"), evidence(2, "f", "g", "h", "y", crash_class="SEGV"), 99)
        assert not self.linked(evidence(1, "f", "g"), evidence(2, "f", "g", access="WRITE 9"), 99)

    def test_the_failing_function_and_class_suffice_unless_common(self):
        a, b = evidence(1, "f", "g", "h"), evidence(2, "f", "x", "y", access="WRITE 1")
        assert self.linked(a, b, 9)
        assert not self.linked(a, b, 10)
        assert not self.linked(a, evidence(2, "f", "x", "y", crash_class="SEGV"), 3)
        assert not self.linked(a, evidence(2, "x", "f", "y", access="WRITE 1"), 2)

    def test_the_rarest_shared_name_counts(self):
        a, b = evidence(1, "f", "g", "h"), evidence(2, "f", "g", "y", access="WRITE 1")
        seen = {("pkg:pypi/thing", "f"): 50, ("pkg:pypi/thing", "g"): 9}
        assert compare_names(a, b, seen) is not None

    def test_a_name_only_these_two_show_needs_the_same_class_and_access(self):
        a = evidence(1, "f", "g", "odd")
        assert self.linked(a, evidence(2, "odd", "x", "y"), 3)
        assert not self.linked(a, evidence(2, "odd", "x", "y"), 4)
        assert not self.linked(a, evidence(2, "odd", "x", "y", access="READ 2"), 2)
        assert not self.linked(a, evidence(2, "odd", "x", "y", crash_class="SEGV"), 2)

    def test_names_below_the_third_are_not_looked_at(self):
        assert not self.linked(evidence(1, "a", "b", "c", "odd"), evidence(2, "d", "e", "g", "odd"))

    def test_other_components_or_manners_never_link(self):
        a = evidence(1, "f", "g", "h")
        assert not self.linked(a, evidence(2, "f", "g", "h", component="other"))
        assert not self.linked(a, evidence(2, "f", "g", "h", crash_class="timeout"))

    def test_counts_reports_not_frames(self):
        counted = count_names([evidence(1, "f", "f", "g", "h", "i"), evidence(2, "f"), evidence(3, "f", component="c")])
        thing = "pkg:pypi/thing"
        assert counted == {(thing, "f"): 2, (thing, "g"): 1, (thing, "h"): 1, ("c", "f"): 1}


def test_functions_of_a_stack_are_distinct_and_in_order():
    stack = frames("f a.c:1", "g a.c:2", "f a.c:3", "h b.c:1")
    assert functions_of(stack, 9) == functions_of(stack, 3) == ("f", "g", "h")
    assert functions_of(stack, 2) == ("f", "g")


class TestPartition:
    A, B, C, D = (evidence(number) for number in (1, 2, 3, 4))

    def ids(self, *groups: tuple[int, ...]) -> frozenset[frozenset[object]]:
        return frozenset(frozenset(report(number) for number in members) for members in groups)

    def test_a_group_is_whatever_links_connect(self):
        lone = evidence(9, "z z.c:1")
        stacks = {n: [f"{name} a.c" for name in "abcdef"[n:]] for n in (0, 1, 2)}
        loop = [evidence(n + 1, *stack, crash_class="timeout") for n, stack in stacks.items()]
        assert group([*loop, lone]) == self.ids((1, 2, 3), (9,))

    def test_a_near_fault_is_near_the_groups_oldest_report(self):
        line = [evidence(n, f"f a.c:{3 * n}", "g a.c:1") for n in (1, 2, 3)]
        assert compare(line[1], line[2]) is not None
        assert group(line) == self.ids((1, 2), (3,))
        assert group([line[0], line[2]]) == self.ids((1,), (3,))
        elsewhere = [evidence(n, f"h a.c:{n}", "g a.c:1") for n in (7, 8)]
        assert group([*line, *elsewhere]) == self.ids((1, 2), (3,), (7, 8))
        again = evidence(4, "f a.c:6", "g a.c:1", crash_class="SEGV")
        assert group([*line, again]) == self.ids((1, 2, 4), (3,))

    def test_a_pair_set_apart_never_shares_a_group(self):
        apart = {frozenset({report(1), report(2)})}
        assert group([self.A, self.B], apart) == self.ids((1,), (2,))
        assert group([self.A, self.B, self.C], apart) == self.ids((1, 3), (2,))

    def test_apart_holds_between_whole_groups(self):
        link_12, link_34, link_23 = (compare(a, b) for a, b in ((self.A, self.B), (self.C, self.D), (self.B, self.C)))
        assert link_12
        assert link_34
        assert link_23
        reports = [{report(number)} for number in (1, 2, 3, 4)]
        apart = {frozenset({report(1), report(4)})}
        assert partition(reports, [link_12, link_34, link_23], apart) == self.ids((1, 2, 3), (4,))
        assert partition(reports, [link_12, link_34, link_23]) == self.ids((1, 2, 3, 4))

    def test_stronger_links_are_followed_first(self):
        near = evidence(1, "leaf a.c:11", "middle a.c:20")
        weak, strong = compare(near, self.B), compare(self.B, self.C)
        assert weak
        assert strong
        assert (weak.kind, strong.kind) == (LinkKind.NEAR_FAULT, LinkKind.SAME_FAULT)
        apart = {frozenset({report(1), report(3)})}
        reports = [{report(number)} for number in (1, 2, 3)]
        assert partition(reports, [weak, strong], apart) == self.ids((1,), (2, 3))

    def test_an_order_of_strength_is_fixed(self):
        assert rules.STRENGTH == (
            LinkKind.SAME_PATCH,
            LinkKind.SAME_FAULT,
            LinkKind.NEAR_FAULT,
            LinkKind.SAME_RECURSION,
            LinkKind.SAME_INPUT,
            LinkKind.SAME_LOOP,
            LinkKind.SAME_PATH,
            LinkKind.SAME_PLACE,
            LinkKind.SAME_NAMES,
            LinkKind.LIKE_WORDS,
        )

    def test_groups_that_are_together_stay_together(self):
        link = compare(self.B, self.C)
        assert link
        held = [{report(1), report(2)}, {report(3), report(4)}]
        assert partition(held, []) == self.ids((1, 2), (3, 4))
        assert partition(held, [link]) == self.ids((1, 2, 3, 4))
        assert partition(held, [link], {frozenset({report(1), report(4)})}) == self.ids((1, 2), (3, 4))
        assert partition(held, [link], {frozenset({report(1), report(2)})}) == self.ids((1, 2, 3, 4))


def test_joined_vulnerabilities_go_on_as_the_oldest():
    seventy, sixty = VulnerabilityId(UUID(int=70)), VulnerabilityId(UUID(int=60))
    assert survivor_of([seventy, sixty]) == sixty
    assert survivor_of([]) is None


class TestSplit:
    HELD = frozenset(report(number) for number in (1, 2, 3))

    def refusal(self, *leaving: int) -> tuple[str, str, str]:
        with pytest.raises(Malformed) as caught:
            check_split(self.HELD, {report(number) for number in leaving})
        return caught.value.what, caught.value.where, caught.value.next_step

    def test_a_part_may_leave(self):
        check_split(self.HELD, {report(1)})
        check_split(self.HELD, {report(1), report(3)})

    def test_all_or_none_may_not(self):
        sentence = ("a split leaves at least one report on each side", "reports", "Choose some, not all.")
        assert self.refusal() == sentence
        assert self.refusal(1, 2, 3) == sentence

    def test_a_stranger_may_not(self):
        assert self.refusal(1, 4) == (
            "a report that is to leave is not in this vulnerability",
            "reports",
            "Read the vulnerability again and choose among its reports.",
        )

    def test_the_pairs_are_bounded(self, monkeypatch):
        monkeypatch.setattr(rules, "SPLIT_PAIRS_MAX", 2)
        check_split(self.HELD, {report(1)})
        monkeypatch.setattr(rules, "SPLIT_PAIRS_MAX", 1)
        assert self.refusal(1) == (
            "this split would set more than 1 pairs of reports apart",
            "reports",
            "Split off fewer reports.",
        )


class TestChoose:
    """Into which vulnerabilities a new report's links lead."""

    OLD, YOUNG = VulnerabilityId(UUID(int=71)), VulnerabilityId(UUID(int=72))

    def chosen(self, new, *known):
        """``known``: (evidence, vulnerability)."""
        links = [link for one, _ in known if (link := compare(new, one))]
        held, why = choose(new.report, links, {one.report: vulnerability for one, vulnerability in known})
        return held, [(link.kind, link.first.int, link.second.int) for link in why]

    def test_no_link_leads_nowhere(self):
        assert self.chosen(evidence(9), (evidence(1, "z z.c:1"), self.OLD)) == (frozenset(), [])

    def test_the_same_fault_leads_into_all_that_show_it(self):
        a, b = evidence(1, fixed=None), evidence(2, release="1.5", fixed=None)
        assert self.chosen(evidence(9), (b, self.YOUNG), (a, self.OLD)) == (
            {self.OLD, self.YOUNG},
            [(LinkKind.SAME_FAULT, 1, 9), (LinkKind.SAME_FAULT, 2, 9)],
        )

    def test_the_same_fault_keeps_what_is_only_near_out(self):
        near, same = evidence(1, "f a.c:13", "g a.c:1"), evidence(2, "f a.c:10", "g a.c:1")
        new = evidence(9, "f a.c:10", "g a.c:1")
        assert self.chosen(new, (near, self.OLD), (same, self.YOUNG)) == (
            {self.YOUNG},
            [(LinkKind.SAME_FAULT, 2, 9)],
        )

    def test_of_several_that_are_only_near_the_oldest_takes_it(self):
        low, high = evidence(2, "f a.c:10", "g a.c:1"), evidence(1, "f a.c:16", "g a.c:1")
        new = evidence(9, "f a.c:13", "g a.c:1")
        expected = ({self.OLD}, [(LinkKind.NEAR_FAULT, 2, 9)])
        assert self.chosen(new, (low, self.OLD), (high, self.YOUNG)) == expected
        assert self.chosen(new, (high, self.YOUNG), (low, self.OLD)) == expected

    def test_near_one_that_was_not_the_first_of_its_vulnerability_is_not_enough(self):
        anchor, member = evidence(1, "f a.c:10", "g a.c:1"), evidence(2, "f a.c:13", "g a.c:1")
        new = evidence(9, "f a.c:16", "g a.c:1")
        assert self.chosen(new, (anchor, self.OLD), (member, self.OLD)) == (frozenset(), [])
        assert self.chosen(new, (member, self.OLD), (anchor, self.OLD)) == ({self.OLD}, [(LinkKind.NEAR_FAULT, 2, 9)])
        assert self.chosen(new, (member, self.YOUNG)) == ({self.YOUNG}, [(LinkKind.NEAR_FAULT, 2, 9)])

    def test_a_report_that_is_older_than_what_it_joins_is_told_apart(self):
        known = evidence(5, "f a.c:10", "g a.c:1")
        assert self.chosen(evidence(1, "f a.c:12", "g a.c:1"), (known, self.OLD)) == (
            {self.OLD},
            [(LinkKind.NEAR_FAULT, 1, 5)],
        )


class TestSuggest:
    def test_is_what_compare_finds(self):
        near = evidence(2, "leaf a.c:12", "middle a.c:20")
        assert suggest(evidence(1), near) == compare(evidence(1), near) is not None
        assert suggest(evidence(1), evidence(2, "z z.c:1")) is None

    def test_the_same_fault_past_a_fix_says_so(self):
        a, b = evidence(1, release="2.0", fixed=None), evidence(2)
        assert compare(a, b) is None
        assert suggest(a, b) == suggest(b, a)
        assert suggest(a, b).why.rule == f"same fault: {SENTENCES[LinkKind.SAME_FAULT]}{OUTLIVED}"

    def test_the_same_path_past_a_fix_is_another_flaw(self):
        stack = [f"{name} a.c:{n}" for n, name in enumerate("abcd", 1)]
        moved = [f"{name} a.c:{n}" for n, name in enumerate("abcd", 50)]
        assert suggest(evidence(1, *stack, release="2.0", fixed=None), evidence(2, *moved)) is None


class TestCheckJoin:
    A, B = frozenset({report(1), report(2)}), frozenset({report(3)})

    @pytest.mark.parametrize("mine", [1, 3])
    def test_two_may_be_joined(self, mine):
        check_join({frozenset({report(mine), report(9)})}, self.A, self.B)

    def test_one_may_not(self):
        with pytest.raises(Malformed) as told:
            check_join(set(), self.A, self.A)
        assert str(told.value) == "other: this is one vulnerability already. Name another one."

    def test_what_was_split_may_not(self):
        with pytest.raises(Conflict) as told:
            check_join({frozenset({report(2), report(3)})}, self.A, self.B)
        assert (
            str(told.value)
            == "other: somebody split these two apart, for good. Read why in the history of their cases."
        )


def test_a_join_by_a_person_says_their_reason():
    assert why_joined("one loop") == Explanation(
        "one flaw",
        "a coordinator joined two vulnerabilities",
        (Fact("reason", "one loop", "the coordinator who joined them"),),
    )
