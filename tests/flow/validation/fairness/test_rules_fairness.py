"""Fair trials: what a program was given, whether it worked, whether it was run, and whose harness it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.acts.records import Act, ActKind
from leadtime.flow.validation.fairness.rules import (
    BELIEVED_OPTIONS,
    FORCED_OPTIONS,
    fitting_options,
    harness_of,
    idleness,
    is_own,
    readable_options,
    unfairness,
    was_run,
    was_starved,
    works,
)
from leadtime.flow.validation.oracles.crashes import signature_of
from leadtime.flow.validation.records import (
    Circumstances,
    Crash,
    Harness,
    Limit,
    Origin,
    Proof,
    RuntimeReport,
    Scene,
    SeenRun,
    ThreadSample,
)
from leadtime.flow.validation.stacks.records import Module, ScriptFrame
from tests.flow.validation.seen import RELEASE, SCENE, START, SUBJECT, TARGET, frame, native, stack

ASAN_FORCED = (
    "detect_leaks=0:halt_on_error=1:max_allocation_size_mb=0:hard_rss_limit_mb=0:soft_rss_limit_mb=0:mmap_limit_mb=0"
)


def test_the_runs_options_come_last_and_win() -> None:
    assert fitting_options({"ASAN_OPTIONS": "detect_leaks=1:x=2", "A": "b", "UBSAN_OPTIONS": ""}) == {
        "ASAN_OPTIONS": f"detect_leaks=1:x=2:{ASAN_FORCED}",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1",
        "A": "b",
    }


def test_node_is_told_to_interpret_whatever_else_it_is_told() -> None:
    assert readable_options({}) == {"NODE_OPTIONS": "--jitless"}
    assert readable_options({"A": "b", "NODE_OPTIONS": "--expose-gc"}) == {
        "A": "b",
        "NODE_OPTIONS": "--expose-gc --jitless",
    }


def given(options: str, name: str = "ASAN_OPTIONS") -> str:
    return unfairness(Circumstances(options={name: options}))


def test_usual_circumstances_are_fair() -> None:
    assert unfairness(Circumstances()) == ""
    for name, options in FORCED_OPTIONS.items():
        assert given(options, name) == ""
        assert given(f"allocator_may_return_null=1:{options}", name) == ""
    assert given("detect_leaks=0,abort_on_error=1 \t\n::symbolize=0:") == ""
    assert given(":".join(f"{option}=1" for option in sorted(BELIEVED_OPTIONS))) == ""


@pytest.mark.parametrize(
    "option",
    ["max_allocation_size_mb=1", "include='x'", "suppressions=/x", "detect_leaks", "detect_leaks=a=b", "xsymbolize=1"],
)
@pytest.mark.parametrize("name", ["ASAN_OPTIONS", "XSAN_OPTIONS"])
def test_an_option_that_is_not_known_to_be_harmless_is_unfair(option: str, name: str) -> None:
    assert given(f"detect_leaks=0:{option}:{FORCED_OPTIONS.get(name, '')}", name) == (
        f"it ran with {option} in {name}, which can make honest code fail"
    )


def test_ours_in_another_variable_are_not_ours() -> None:
    assert given(ASAN_FORCED, "UBSAN_OPTIONS") == (
        "it ran with max_allocation_size_mb=0 in UBSAN_OPTIONS, which can make honest code fail"
    )
    assert given(f"{ASAN_FORCED}:detect_leaks=0") == (
        "it ran with max_allocation_size_mb=0 in ASAN_OPTIONS, which can make honest code fail"
    )


def test_lowered_limits_are_unfair() -> None:
    assert unfairness(Circumstances(lowered=("open files", "stack size"))) == (
        "it ran with a lowered limit: open files, stack size"
    )


def test_options_in_code_are_fair_as_long_as_ours_are_behind_them() -> None:
    words = "it sets options of the sanitizer's in code, and its run command took ours away"

    assert unfairness(Circumstances(options=fitting_options({}), brings_options=True)) == ""
    assert unfairness(Circumstances(options={"ASAN_OPTIONS": "symbolize=0"}, brings_options=True)) == words
    assert unfairness(Circumstances(brings_options=True)) == words
    assert unfairness(Circumstances(options={"ASAN_OPTIONS": "symbolize=0"})) == ""


def moments(*times: tuple[int, int, int], state: str = "R") -> list[ThreadSample]:
    return [ThreadSample(7, 7, state, ran, waited, let_run, stack()) for ran, waited, let_run in times]


@pytest.mark.parametrize(
    ("first", "last", "worked"),
    [
        ((1000, 0, 1000), (2000, 0, 2000), True),
        ((500, 0, 1000), (1000, 0, 2000), True),
        ((499, 0, 1000), (1499, 0, 2000), False),
        ((499, 2, 1000), (1499, 2, 2000), True),
        ((1000, 0, 1000), (1499, 0, 2000), False),
        ((1000, 0, 1000), (1500, 0, 2000), True),
        ((1000, 0, 1000), (1499, 2, 2000), True),
        ((1000, 500, 1000), (1499, 500, 2000), False),
        ((1000, 0, 1000), (1000, 0, 1000), False),
        ((1000, 0, 1000), (1000, 1000, 2000), False),
        ((1000, 0, 1000), (1001, 998, 2000), True),
    ],
)
def test_a_thread_works_if_it_uses_half_of_what_it_could(
    first: tuple[int, int, int],
    last: tuple[int, int, int],
    worked: bool,  # noqa: FBT001
) -> None:
    assert works(moments(first, last)) is worked
    assert works(moments(first, (0, 0, 0), last)) is worked


@pytest.mark.parametrize(
    ("last", "starved"),
    [
        ((690, 1815, 3795), True),
        ((1000, 1001, 3003), True),
        ((1000, 1001, 3004), False),
        ((1000, 1000, 2000), False),
        ((3, 4, 2000), False),
        ((0, 1, 3), True),
    ],
)
def test_a_thread_was_starved_that_waited_for_a_processor_more_than_it_ran(
    last: tuple[int, int, int],
    starved: bool,  # noqa: FBT001
) -> None:
    assert was_starved(moments((9, 0, 9), last)) is starved


@pytest.mark.parametrize(
    ("state", "words"),
    [("T", "was stopped by a signal"), ("t", "did not work most of the time"), ("S", "did not work most of the time")],
)
def test_idleness_is_told_by_the_kernels_letter(state: str, words: str) -> None:
    seen = [*moments((1, 1, 1)), *moments((1, 1, 2), state=state)]

    assert idleness(seen, frame("spin", line=3)) == f"its thread in spin lib/brittle.c:3 {words}"


def crash_of(*frames: object) -> Crash:
    return Crash("SEGV", "", frames, signature_of("SEGV", frames))  # type: ignore[arg-type]


def loading(*digests: str) -> SeenRun:
    return SeenRun(None, None, claims_report=False, loaded=frozenset(digests))


WHOLE = Scene(RELEASE, {"d:whole": Proof(is_whole=True, sources={"x": "d:brittle.c", "y": "gone"})}, frozenset(), ())


@pytest.mark.parametrize(
    ("file", "loaded", "ran"),
    [
        ("lib/brittle.c", ("d:target",), True),
        ("lib/brittle.c", ("d:harness.c", "d:target"), True),
        ("lib/brittle.c", ("d:brittle.c",), True),
        ("lib/brittle.c", ("d:package",), False),
        ("brittle/__init__.py", ("d:package",), True),
        ("brittle/__init__.py", ("d:target",), False),
        ("harness.c", ("d:target",), False),
        ("lib/brittle.c", (), False),
        ("", ("d:target",), False),
        ("", ("d:shipped.so",), True),
        ("", ("d:else",), False),
    ],
)
def test_what_failed_was_run_if_something_made_of_its_file_was_loaded(
    file: str,
    loaded: tuple[str, ...],
    ran: bool,  # noqa: FBT001
) -> None:
    assert was_run(crash_of(frame("f", origin=Origin.LIBC), frame("f", file=file)), loading(*loaded), SCENE) is ran


def test_code_without_lines_was_run_if_a_module_of_the_releases_own_was() -> None:
    nameless = crash_of(frame("f", file=""))

    assert was_run(nameless, loading("d:whole"), WHOLE)
    assert was_run(crash_of(frame("f")), loading("d:whole"), WHOLE)
    assert not was_run(nameless, loading("d:other"), WHOLE)


OWN = crash_of(frame("f"), frame("main", origin=Origin.LIBC))


def owner(
    command: str = "./tool {input}", crash: Crash | None = OWN, *loaded: str, files: tuple[str, ...] = ()
) -> Harness:
    return harness_of(files, command, crash, [loading("d:shipped.so"), loading(*loaded)], WHOLE)


def test_a_harness_is_the_releases_if_all_that_ran_is() -> None:
    assert owner() is Harness.SUBJECT
    assert owner("{python} -m brittle {input}", OWN, "d:whole", "d:package") is Harness.SUBJECT
    assert owner("./tool {input}", OWN, "d:target") is Harness.FINDER
    assert owner(files=("a.c",)) is Harness.FINDER
    assert owner(crash=None) is Harness.FINDER


@pytest.mark.parametrize("sign", list(";&|<>()`$\n"))
def test_a_run_command_that_is_a_script_is_its_finders(sign: str) -> None:
    assert owner(f"./tool {sign} {{input}}") is Harness.FINDER


@pytest.mark.parametrize("origin", list(Origin))
def test_a_harness_with_a_frame_of_the_finders_or_of_nobody_is_its_finders(origin: Origin) -> None:
    theirs = origin in {Origin.FINDER, Origin.UNPROVEN, Origin.UNKNOWN}

    assert owner("./tool", crash_of(frame("f"), frame("g", origin=origin))) is (
        Harness.FINDER if theirs else Harness.SUBJECT
    )


def test_a_module_on_a_stack_that_is_not_the_releases_makes_a_harness_its_finders() -> None:
    def harness(digest: str, *, proofs: Scene = WHOLE, place: str = TARGET) -> list[Harness]:
        seen = stack(
            SUBJECT, modules={TARGET: Module("d:whole", is_intact=True), place: Module(digest, is_intact=True)}
        )
        reported = SeenRun(
            None, None, claims_report=False, reports=(RuntimeReport(seen, None, "", "", 0, is_write=False),)
        )
        sampled = SeenRun(Limit.TIME, None, claims_report=False, samples=((ThreadSample(7, 7, "R", 1, 1, 1, seen),),))
        return [harness_of((), "./tool", OWN, [loading(), run], proofs) for run in (reported, sampled)]

    assert harness("d:whole") == [Harness.SUBJECT] * 2
    assert harness("d:shipped.so") == [Harness.SUBJECT] * 2
    assert harness("d:other") == [Harness.FINDER] * 2
    assert harness("d:target", proofs=SCENE) == [Harness.FINDER] * 2
    assert harness("d:other", place="/tmp/early.so") == [Harness.FINDER] * 2
    assert harness("", place="/tmp/early.so (deleted)") == [Harness.FINDER] * 2


@pytest.mark.parametrize("script", [None, ScriptFrame("", "", None, (), is_built_in=True)])
def test_a_harness_of_node_is_its_finders(script: ScriptFrame | None) -> None:
    seen = stack(START, replace(native("Builtins_InterpreterEntryTrampoline", "/usr/bin/node"), script=script))
    run = SeenRun(None, None, claims_report=False, acts=(Act(ActKind.READ, "", "/usr/bin/node", seen),))

    whose = harness_of((), "node tool.js", OWN, [loading(), run], WHOLE)

    assert whose is (Harness.SUBJECT if script is None else Harness.FINDER)


@pytest.mark.parametrize(
    ("digest", "whose"),
    [
        ("d:whole", Harness.SUBJECT),
        ("d:package", Harness.SUBJECT),
        ("d:x.pth", Harness.FINDER),
        ("", Harness.FINDER),
    ],
)
def test_what_was_brought_into_a_program_must_be_the_releases(digest: str, whose: Harness) -> None:
    run = SeenRun(None, None, claims_report=False, brought=frozenset((digest,)))

    assert harness_of((), "./tool", OWN, [loading(), run], WHOLE) is whose


def test_what_is_unknown_is_nobodys_own_even_where_it_stands_among_the_proofs() -> None:
    scene = replace(WHOLE, release={**RELEASE, "": "x"}, proofs={"": Proof(is_whole=True, sources={})})

    assert not is_own("", scene)
