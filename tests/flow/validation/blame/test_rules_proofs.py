"""Which modules are believed to be built from the release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.blame.rules import proven_modules
from leadtime.flow.validation.records import BuildStep, Proof
from tests.flow.validation.seen import RELEASE, SOURCE, read, step

C = read("d:brittle.c", SOURCE)
HARNESS = read("d:harness.c", "/box/work/harness.c")
COMPILED = step("compile", (C,), ("d:s",))
ASSEMBLED = step("assemble", (read("d:s", "/tmp/a.s"),), ("d:o",))
LINKED = step("link", (read("d:o", "/tmp/a.o"),), ("d:module",))
WHOLE = {"d:module": Proof(is_whole=True, sources={SOURCE: "d:brittle.c"})}


def test_a_module_is_proven_from_source_to_link() -> None:
    assert proven_modules((COMPILED, ASSEMBLED, LINKED), RELEASE) == WHOLE


def test_a_harness_beside_the_subject_makes_the_module_less_than_whole() -> None:
    steps = (
        step("compile", (C,), ("d:1",)),
        step("compile", (HARNESS,), ("d:2",)),
        step("link", (read("d:1"), read("d:2")), ("d:module",)),
    )

    sources = {SOURCE: "d:brittle.c", "/box/work/harness.c": "d:harness.c"}
    assert proven_modules(steps, RELEASE) == {"d:module": Proof(is_whole=False, sources=sources)}


def test_one_name_for_two_files_is_no_name() -> None:
    steps = (
        step("compile", (C,), ("d:1",)),
        step("compile", (read("d:evil.c", SOURCE),), ("d:2",)),
        step("link", (read("d:1"), read("d:2")), ("d:module",)),
    )

    assert proven_modules(steps, RELEASE)["d:module"].sources == {SOURCE: ""}


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("spoilt", ["flags", "failed"])
def test_one_step_that_lied_or_failed_spoils_what_follows(at: int, spoilt: str) -> None:
    steps: list[BuildStep] = [COMPILED, ASSEMBLED, LINKED]
    kept = steps[at]
    spoiling = {"flags": ("-fplugin=x",)} if spoilt == "flags" else {"failed": True}
    steps[at] = step(kept.kind, kept.inputs, kept.outputs, **spoiling)

    assert proven_modules(steps, RELEASE) == {}


def test_directives_are_believed_from_the_release_only() -> None:
    theirs = step("compile", (read("d:brittle.c", SOURCE, directives=True),), ("d:s",))
    finders = step("compile", (C, read("d:x.h", "/box/work/x.h", directives=True)), ("d:s",))

    assert proven_modules((theirs, ASSEMBLED, LINKED), RELEASE) == WHOLE
    assert proven_modules((finders, ASSEMBLED, LINKED), RELEASE) == {}


def test_a_compiler_that_read_nothing_proves_nothing() -> None:
    assert proven_modules((step("compile", (), ("d:s",)), ASSEMBLED, LINKED), RELEASE) == {}


def test_a_part_that_nobody_saw_made_spoils_the_module() -> None:
    linked = step("link", (read("d:o"), read("d:brought.o")), ("d:module",))

    assert proven_modules((COMPILED, ASSEMBLED, linked), RELEASE) == {}


def test_a_link_of_nothing_proves_nothing() -> None:
    assert proven_modules((step("link", (), ("d:module",)),), RELEASE) == {}


def test_an_object_that_the_release_ships_is_its_own() -> None:
    linked = step("link", (read("d:shipped.so", "/box/src/lib/shipped.so"), read("d:o")), ("d:module",))

    sources = {SOURCE: "d:brittle.c", "/box/src/lib/shipped.so": "d:shipped.so"}
    assert proven_modules((COMPILED, ASSEMBLED, linked), RELEASE) == {"d:module": Proof(is_whole=True, sources=sources)}


@pytest.mark.parametrize(("members", "proven"), [(("d:o",), WHOLE), (("d:o", "d:brought.o"), {})])
def test_an_archive_is_as_good_as_all_its_members(members: tuple[str, ...], proven: dict[str, Proof]) -> None:
    linked = step("link", (read("d:lib.a", "/box/work/lib.a", members=members),), ("d:module",))

    assert proven_modules((COMPILED, ASSEMBLED, linked), RELEASE) == proven


def test_only_what_a_linker_wrote_is_a_module() -> None:
    assert proven_modules((COMPILED, ASSEMBLED), RELEASE) == {}


def test_a_linkers_output_may_be_linked_again() -> None:
    again = step("link", (read("d:module"),), ("d:second", "d:third"))

    assert set(proven_modules((COMPILED, ASSEMBLED, LINKED, again), RELEASE)) == {"d:module", "d:second", "d:third"}


@pytest.mark.parametrize("at", [0, 3, 6])
def test_what_one_step_could_not_prove_no_other_proves(at: int) -> None:
    steps = [COMPILED, ASSEMBLED, COMPILED, ASSEMBLED, LINKED, LINKED]
    steps.insert(at, step("assemble", (read("d:changing"),), ("d:o",)))

    assert proven_modules(steps, RELEASE) == {}


@pytest.mark.parametrize("spoilt", [{"flags": ("-E",)}, {"failed": True}])
@pytest.mark.parametrize("kind", ["compile", "assemble", "link"])
def test_what_a_lying_step_wrote_once_is_not_believed_again(kind: str, spoilt: dict[str, object]) -> None:
    honest = {"compile": COMPILED, "assemble": ASSEMBLED, "link": LINKED}[kind]

    assert proven_modules((COMPILED, ASSEMBLED, LINKED, replace(honest, **spoilt)), RELEASE) == {}


def test_a_doubt_spoils_what_was_made_of_it_and_nothing_else() -> None:
    other = (
        step("compile", (HARNESS,), ("d:other.s",)),
        step("assemble", (read("d:other.s"),), ("d:other.o",)),
        step("link", (read("d:other.o"),), ("d:other",)),
    )
    doubt = step("compile", (HARNESS,), ("d:s",), flags=("-E",))

    proofs = proven_modules((COMPILED, ASSEMBLED, LINKED, *other, doubt), RELEASE)

    assert proofs == {"d:other": Proof(is_whole=False, sources={"/box/work/harness.c": "d:harness.c"})}


def chain(length: int) -> list[BuildStep]:
    """Return links of which each is made of the last, and copies of all but the first that one doubt unravels."""
    first = step("link", (read("d:brittle.c"),), ("d:0",))
    made = [step("link", (read(f"d:{n}"),), (f"d:{n + 1}",)) for n in range(length)]
    again = [step("link", (read("d:0"),), (f"d:{n + 1}",)) for n in range(length)]
    return [first, *again, *made]


def test_a_doubt_is_followed_through_everything_made_of_it() -> None:
    doubt = step("link", (read("d:brought"),), ("d:0",))

    assert set(proven_modules(chain(3), RELEASE)) == {"d:0", "d:1", "d:2", "d:3"}
    assert proven_modules([*chain(3), doubt], RELEASE) == {}


@pytest.mark.parametrize(("length", "proven"), [(6, {"d:apart"}), (7, set())])
def test_a_build_that_unravels_without_end_proves_nothing(length: int, proven: set[str]) -> None:
    apart = step("link", (read("d:brittle.c"),), ("d:apart",))
    unravelling = [step("link", (read(f"d:{n}"),), (f"d:{n + 1}",)) for n in reversed(range(length))]
    firsts = [step("link", (read("d:brittle.c"),), (f"d:{n + 1}",)) for n in range(length)]
    doubt = step("link", (read("d:brought"),), ("d:0",))
    first = step("link", (read("d:brittle.c"),), ("d:0",))

    assert set(proven_modules([apart, first, *firsts, *unravelling, doubt], RELEASE)) == proven


PIPED = step("compile", (C,), (), pid=11, parent=10, order=1, piped=True)
FROM_PIPE = step("assemble", (), ("d:o",), pid=12, parent=10, order=2)
DRIVER = step("drive", pid=10)


@pytest.mark.parametrize("steps", [(PIPED, FROM_PIPE, DRIVER, LINKED), (FROM_PIPE, PIPED, DRIVER, LINKED)])
def test_text_piped_by_an_honest_driver_is_believed_whichever_ends_first(steps: tuple[BuildStep, ...]) -> None:
    assert proven_modules(steps, RELEASE) == WHOLE


def test_pairs_of_one_driver_go_together_by_their_beginning() -> None:
    second = step("compile", (HARNESS,), (), pid=13, parent=10, order=3, piped=True)
    from_second = step("assemble", (), ("d:o2",), pid=14, parent=10, order=4)
    linked = step("link", (read("d:o2"),), ("d:module",))

    steps = (FROM_PIPE, from_second, second, PIPED, DRIVER, linked)
    sources = {"/box/work/harness.c": "d:harness.c"}
    assert proven_modules(steps, RELEASE) == {"d:module": Proof(is_whole=False, sources=sources)}


def test_each_driver_has_its_own_pairs() -> None:
    other = (
        step("compile", (HARNESS,), (), pid=21, parent=20, order=0, piped=True),
        step("assemble", (), ("d:other",), pid=22, parent=20, order=3),
        step("drive", pid=20),
    )

    assert proven_modules((*other, PIPED, FROM_PIPE, DRIVER, LINKED), RELEASE) == WHOLE


@pytest.mark.parametrize(
    "steps",
    [
        (PIPED, FROM_PIPE, LINKED),
        (PIPED, FROM_PIPE, step("drive", pid=10, flags=("-wrapper",)), LINKED),
        (FROM_PIPE, DRIVER, LINKED),
        (PIPED, replace(FROM_PIPE, parent=9), DRIVER, LINKED),
        (PIPED, replace(FROM_PIPE, flags=("LD_PRELOAD",)), DRIVER, LINKED),
        (PIPED, replace(FROM_PIPE, failed=True), DRIVER, LINKED),
        (replace(PIPED, failed=True), FROM_PIPE, DRIVER, LINKED),
        (replace(PIPED, flags=("-fplugin",)), FROM_PIPE, DRIVER, LINKED),
        (replace(PIPED, is_piped=False), FROM_PIPE, DRIVER, LINKED),
        (replace(PIPED, kind="assemble"), FROM_PIPE, DRIVER, LINKED),
        (PIPED, replace(PIPED, order=3), FROM_PIPE, DRIVER, LINKED),
        (PIPED, replace(FROM_PIPE, kind="link"), DRIVER, LINKED),
    ],
)
def test_any_other_text_on_a_pipe_is_not(steps: tuple[BuildStep, ...]) -> None:
    assert proven_modules(steps, RELEASE) == {}
