"""Many crashes at once: shifts that reports agree on are followed, and nothing bridges two faults of one release."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.merging.faults import Crash, group_faults

WAY = ("SEGV", "READ")


def crash(release: str, line: int, *callers: str, way: tuple[str, str] = WAY, function: str = "f") -> Crash:
    return Crash("c", release, (function, *(callers or ("g", "h", "i"))), "a.c", line, way)


def groups(*crashes: Crash) -> list[int]:
    found = group_faults(crashes)
    back = group_faults(crashes[::-1])[::-1]
    for one in range(len(crashes)):
        for two in range(one):
            assert (found[one] == found[two]) == (back[one] == back[two])
    return found


def test_equal_crashes_are_one_and_other_functions_files_or_components_are_not():
    one = crash("1", 10)
    assert groups(one, one) == [0, 0]
    assert groups(one, one._replace(component="d"), one._replace(file="b.c"), crash("1", 10, function="x")) == [
        *range(4)
    ]


def test_three_lines_are_near_and_four_are_not():
    assert groups(crash("1", 10), crash("1", 10), crash("1", 13)) == [0, 0, 0]
    assert groups(crash("1", 10), crash("1", 10), crash("1", 14)) == [0, 0, 1]


def test_near_is_near_the_most_frequent_so_that_no_chain_leads_on():
    assert groups(crash("1", 10), crash("1", 12), crash("1", 12), crash("1", 14), crash("1", 16)) == [0, 0, 0, 0, 1]


def test_another_way_is_another_fault_off_the_line_but_not_on_it():
    other = ("heap-buffer-overflow", "WRITE")
    assert groups(crash("1", 10), crash("1", 11, way=other)) == [0, 1]
    assert groups(crash("1", 10), crash("1", 10, way=other)) == [0, 0]


def test_an_inlined_caller_is_seen_through_unless_two_would_do():
    base, inlined, other = crash("1", 10, "g", "h", "i"), crash("1", 10, "h", "i", "j"), crash("1", 10, "x", "h", "i")
    assert groups(base, base, inlined) == [0, 0, 0]
    assert groups(base, base, other, other, inlined) == [0, 0, 1, 1, 2]
    assert groups(base, crash("1", 10, "h", "i")) == [0, 1]


def test_the_shift_that_most_reports_agree_on_is_followed():
    first, second = [crash("1", 100), crash("1", 150)], [crash("2", 140), crash("2", 190)]
    assert groups(*first, *second) == [0, 1, 0, 1]
    assert groups(*first, *first, *second, crash("2", 105)) == [0, 1, 0, 1, 0, 1, 2]


def test_one_line_in_two_releases_may_be_two_faults():
    moved = [crash("1", 100), crash("1", 100), crash("1", 140), crash("1", 140)]
    after = [crash("2", 140), crash("2", 140), crash("2", 180), crash("2", 180)]
    assert groups(*moved, *after) == [0, 0, 1, 1, 0, 0, 1, 1]


def test_other_paths_do_not_meet_across_releases_but_on_one_line():
    other = ("g", "x", "y")
    assert groups(crash("1", 10), crash("2", 30, *other)) == [0, 1]
    assert groups(crash("1", 10), crash("2", 10, *other)) == [0, 0]
    assert groups(crash("1", 10, "g"), crash("2", 30, "g")) == [0, 1]


CRASHES = st.lists(
    st.builds(
        crash,
        st.sampled_from("12"),
        st.integers(1, 30),
        st.sampled_from("gx"),
        st.sampled_from("hg"),
        st.sampled_from("i"),
    ),
    max_size=10,
)


@given(CRASHES, st.randoms())
def test_any_order_gives_the_same_groups(found, chance):
    order = list(range(len(found)))
    chance.shuffle(order)
    there, back = group_faults(found), group_faults([found[number] for number in order])
    place = {number: at for at, number in enumerate(order)}
    for one in range(len(found)):
        for two in range(one):
            assert (there[one] == there[two]) == (back[place[one]] == back[place[two]])


@given(CRASHES)
def test_in_one_release_no_group_is_wider_than_two_near_faults_on_either_side(found):
    numbers = group_faults(found)
    for source in "12":
        for number in set(numbers):
            lines = [c.line for c, n in zip(found, numbers, strict=True) if n == number and c.source == source]
            assert not lines or max(lines) - min(lines) <= 9
