"""Each rung in whole sentences: what passes it, what fails it, what leaves it open, and what that does to the climb."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.ladder.diffs import FileDiff, Hunk
from leadtime.flow.validation.ladder.records import (
    Applied,
    Harmless,
    Ladder,
    Manner,
    RecipeTest,
    Rung,
    SeenPatch,
    Standing,
    Step,
    Variant,
)
from leadtime.flow.validation.ladder.rules import (
    NOT_COME_TO,
    RUNGS,
    RUNS_MAX,
    Climb,
    climb,
    doubt_of,
    runs_needed,
    unchecked,
)
from leadtime.flow.validation.oracles.crashes import is_same_flaw, signature_of
from leadtime.flow.validation.records import Crash, Limit, Oracle, Origin, Proof, RuntimeReport, SeenRun
from leadtime.foundation.digests import digest_of
from tests.flow.validation.seen import DIE, GENERIC, OUTER, SCENE, SOURCE, START, SUBJECT, frame, stack

PASSED, FAILED, OPEN = Standing.PASSED, Standing.FAILED, Standing.NOT_CHECKED
FRAMES = (frame("read_one"), frame("brittle_sum", line=13))
CRASH = Crash("heap-buffer-overflow", "READ 1", FRAMES, signature_of("heap-buffer-overflow", FRAMES))
HIT = SeenRun(
    limit=None,
    signal=None,
    claims_report=True,
    reports=(
        RuntimeReport(stack(DIE, GENERIC, SUBJECT, OUTER, START), None, "heap-buffer-overflow", "", 0, is_write=False),
    ),
    loaded=frozenset({"d:target"}),
)
OTHER_HIT = replace(
    HIT,
    reports=(RuntimeReport(stack(DIE, GENERIC, OUTER, START), None, "heap-buffer-overflow", "", 0, is_write=False),),
)
QUIET = SeenRun(limit=None, signal=None, claims_report=False, loaded=frozenset({"d:patched"}))
NOT_RUN = replace(QUIET, loaded=frozenset())
STOPPED = replace(QUIET, limit=Limit.TIME)
UNSEEN = replace(QUIET, limit=Limit.OBSERVER)
PATCHED = replace(
    SCENE,
    release={"d:fixed.c": "lib/brittle.c"},
    proofs={"d:patched": Proof(is_whole=True, sources={SOURCE: "d:fixed.c"}), **SCENE.proofs},
)
AFTER_HIT = replace(PATCHED, release={**PATCHED.release, **SCENE.release})
SAME = digest_of(b"one")
CLEAN = Manner(0, None, digest_of(b"out"))
VARIANT = Variant(SAME, "space widened", HIT, QUIET)
HARMLESS = Harmless(SAME, "the control", CLEAN, CLEAN)
APPLIED = Applied(("lib/brittle.c",), (), "")
TOP = SeenPatch(
    applied=APPLIED,
    failure="",
    scene=AFTER_HIT,
    runs=(QUIET, QUIET),
    variants=(VARIANT, replace(VARIANT, kind="number changed")),
    tries=9,
    tests=(RecipeTest(before=True, after=True), RecipeTest(before=False, after=False)),
    harmless=(HARMLESS, replace(HARMLESS, kind="the control, watched"), replace(HARMLESS, digest=digest_of(b"two"))),
)
GIVEN = Climb(Oracle.SANITIZER, CRASH, SCENE, TOP)
CONTROL = f"a harmless input (the control, {SAME})"
ANOTHER = "another input that shows the flaw"
WHOLE_CLIMB = {
    Rung.APPLIES: "it changes lib/brittle.c",
    Rung.BUILDS: "the release builds with it",
    Rung.REPRODUCER: "the reproducer shows nothing in 2 runs",
    Rung.VARIANTS: "2 other inputs that show the flaw without it, found in 9 tries, show nothing",
    Rung.TESTS: "1 of 2 tests pass without the patch, and all of them with it",
    Rung.BEHAVIOUR: "2 harmless inputs end as before and print the same, watched or not",
}


def climbed(**seen: object) -> Ladder:
    return climb(replace(GIVEN, seen=replace(TOP, **seen)))  # type: ignore[arg-type]


def step_at(rung: Rung, ladder: Ladder) -> Step:
    return next(step for step in ladder.steps if step.rung is rung)


def test_a_patch_that_holds_on_every_rung_reaches_the_top() -> None:
    ladder = climb(GIVEN)

    assert ladder == Ladder(tuple(Step(rung, PASSED, reason) for rung, reason in WHOLE_CLIMB.items()), APPLIED)
    assert ladder.reached is Rung.BEHAVIOUR
    assert ladder.is_climbed
    assert ladder.head == "6 of 6 machine rungs hold"


def test_the_head_names_the_rungs_that_were_not_checked() -> None:
    steps = (Step(Rung.APPLIES, PASSED, ""), Step(Rung.BUILDS, Standing.FAILED, ""))
    unchecked = tuple(Step(rung, Standing.NOT_CHECKED, "") for rung in (Rung.REPRODUCER, Rung.TESTS))

    assert Ladder(steps + unchecked, None).head == (
        "1 of 4 machine rungs hold; not checked: reproducer silent, tests pass"
    )


def test_the_rungs_stand_in_their_order() -> None:
    assert list(RUNGS) == list(Rung)


@pytest.mark.parametrize(
    ("rung", "seen", "standing", "reason", "reached"),
    [
        (Rung.APPLIES, {"applied": None, "failure": "hunk 1 has no place"}, FAILED, "hunk 1 has no place", None),
        (Rung.BUILDS, {"failure": "the build failed"}, FAILED, "the build failed", Rung.APPLIES),
        (
            Rung.BUILDS,
            {"unchecked": ("asan", "ubsan")},
            FAILED,
            "fewer of its compiled files hold the checks of asan, ubsan: silence would show nothing",
            Rung.APPLIES,
        ),
        (
            Rung.REPRODUCER,
            {"runs": (QUIET, HIT)},
            FAILED,
            "the reproducer: heap-buffer-overflow in read_one lib/brittle.c:5",
            Rung.BUILDS,
        ),
        (
            Rung.REPRODUCER,
            {"runs": (OTHER_HIT,)},
            FAILED,
            "the reproducer: heap-buffer-overflow in brittle_sum lib/brittle.c:13",
            Rung.BUILDS,
        ),
        (Rung.REPRODUCER, {"runs": (STOPPED,)}, FAILED, "the reproducer: the time limit was reached", Rung.BUILDS),
        (
            Rung.REPRODUCER,
            {"runs": (NOT_RUN,)},
            OPEN,
            "the reproducer: it was quiet, but nothing built from lib/brittle.c ran",
            Rung.BUILDS,
        ),
        (
            Rung.REPRODUCER,
            {"runs": (UNSEEN,)},
            OPEN,
            "the reproducer: a limit of the observer was reached",
            Rung.BUILDS,
        ),
        (
            Rung.VARIANTS,
            {"variants": (VARIANT, replace(VARIANT, kind="word renamed", after=HIT))},
            FAILED,
            f"{ANOTHER} (word renamed, {SAME}): heap-buffer-overflow in read_one lib/brittle.c:5",
            Rung.REPRODUCER,
        ),
        (
            Rung.VARIANTS,
            {"variants": (replace(VARIANT, after=NOT_RUN),)},
            OPEN,
            f"{ANOTHER} (space widened, {SAME}): it was quiet, but nothing built from lib/brittle.c ran",
            Rung.REPRODUCER,
        ),
        (
            Rung.VARIANTS,
            {"variants": ()},
            OPEN,
            "no other input that shows the flaw was found in 9 tries",
            Rung.REPRODUCER,
        ),
        (
            Rung.VARIANTS,
            {"variants": (replace(VARIANT, before=QUIET), replace(VARIANT, before=OTHER_HIT, after=HIT))},
            OPEN,
            "no other input that shows the flaw was found in 9 tries",
            Rung.REPRODUCER,
        ),
        (
            Rung.TESTS,
            {"tests": (RecipeTest(before=False, after=False), RecipeTest(before=True, after=False))},
            FAILED,
            "test 2 of 2 passes without the patch and fails with it",
            Rung.VARIANTS,
        ),
        (
            Rung.REPRODUCER,
            {"relapses": True},
            FAILED,
            "the reproducer: with nobody watching, it fails as it does without the patch",
            Rung.BUILDS,
        ),
        (Rung.TESTS, {"tests": ()}, OPEN, "the recipe names none", Rung.BEHAVIOUR),
        (
            Rung.TESTS,
            {"tests": (RecipeTest(before=False, after=True),)},
            OPEN,
            "none of the recipe's 1 tests passes without the patch",
            Rung.BEHAVIOUR,
        ),
        (
            Rung.BEHAVIOUR,
            {"harmless": (HARMLESS, replace(HARMLESS, after=replace(CLEAN, output=digest_of(b"x"))))},
            FAILED,
            f"{CONTROL} prints something else with the patch",
            Rung.TESTS,
        ),
        (
            Rung.BEHAVIOUR,
            {"harmless": (replace(HARMLESS, after=replace(CLEAN, exit_code=3)),)},
            FAILED,
            f"{CONTROL} ends with exit code 0 without the patch and with exit code 3 with it",
            Rung.TESTS,
        ),
        (
            Rung.BEHAVIOUR,
            {"harmless": (replace(HARMLESS, after=Manner(None, 11, None)),)},
            FAILED,
            f"{CONTROL} ends with exit code 0 without the patch and with signal 11 with it",
            Rung.TESTS,
        ),
        (
            Rung.BEHAVIOUR,
            {"harmless": (replace(HARMLESS, after=Manner(None, None, None)),)},
            FAILED,
            f"{CONTROL} ends with exit code 0 without the patch and with a limit with it",
            Rung.TESTS,
        ),
        (
            Rung.BEHAVIOUR,
            {"harmless": ()},
            OPEN,
            "no harmless input was found that ends the same way twice",
            Rung.TESTS,
        ),
    ],
)
def test_a_rung_that_does_not_hold_ends_the_climb_with_its_reason(
    rung: Rung, seen: dict[str, object], standing: Standing, reason: str, reached: Rung | None
) -> None:
    ladder = climbed(**seen)

    assert step_at(rung, ladder) == Step(rung, standing, reason)
    assert ladder.reached is reached
    assert ladder.is_climbed is (reached is Rung.BEHAVIOUR)
    goes_on = rung is Rung.TESTS and standing is OPEN
    above = ladder.steps[list(Rung).index(rung) + 1 :]
    assert [step.reason == NOT_COME_TO and step.standing is OPEN for step in above] == [not goes_on] * len(above)
    assert all(step.standing is PASSED for step in ladder.steps[: list(Rung).index(rung)])


@pytest.mark.parametrize(
    ("applied", "reason"),
    [
        (Applied(("a", "b"), ("t/x",), ""), "it changes a, b; the release does not carry t/x"),
        (Applied(tuple("abcde"), (), "deps/q.tar"), "it changes a, b, c, d, e in deps/q.tar"),
        (Applied(tuple("abcdefg"), (), ""), "it changes a, b, c, d, e and 2 more"),
    ],
)
def test_what_a_patch_touches_is_told_as_far_as_there_is_room(applied: Applied, reason: str) -> None:
    assert step_at(Rung.APPLIES, climbed(applied=applied)) == Step(Rung.APPLIES, PASSED, reason)


def test_a_doubt_of_the_patchs_text_leaves_silence_open() -> None:
    doubted = climb(replace(GIVEN, doubt="it speaks"))

    assert step_at(Rung.REPRODUCER, doubted) == Step(Rung.REPRODUCER, OPEN, "it speaks")
    assert doubted.reached is Rung.BUILDS


@pytest.mark.parametrize(
    "line",
    [
        b'__attribute__((no_sanitize("address")))',
        b"__attribute__((no_sanitize_address))",
        b"__attribute__((no_address_safety_analysis))",
        b"CFLAGS += -fno-sanitize=all",
        b"__asan_unpoison_memory_region(p, n);",
        b"const char *__ubsan_default_options(void);",
        b'setenv("ASAN_OPTIONS", "", 1);',
        b"signal(SIGSEGV, leave);",
        b"sigaction(11, &leave, 0);",
    ],
)
def test_a_patch_that_speaks_to_what_watches_is_doubted(line: bytes) -> None:
    speaks = "the patch speaks to sanitizers or of fatal signals in b/x.c: silence would show nothing"
    assert doubts_of(line, Oracle.SANITIZER) == (speaks, "")
    assert doubts_of(line, Oracle.HANG) == ("", "")


@pytest.mark.parametrize(
    "line",
    [
        b'open("/proc/self/status")',
        b"stat('/sys/x')",
        b'access("/box/src", 0)',
        b"if exists('/canary'):",
        b'"/dev/shm/x"',
        b"SECCOMP_MODE",
        b"TracerPid:",
        b"ptrace(0)",
        b"LEADTIME_HOME",
    ],
)
@pytest.mark.parametrize("oracle", list(Oracle))
def test_a_patch_that_asks_where_it_runs_is_doubted(line: bytes, oracle: Oracle) -> None:
    asks = "the patch asks where it runs in b/x.c: silence here would show nothing"
    assert doubts_of(line, oracle) == (asks, "")


def test_words_that_only_look_so_are_no_doubt() -> None:
    for line in (b'"/process"', b"/system/", b"proc(box)", b"/dev/null"):
        assert doubts_of(line, Oracle.SANITIZER) == ("", "")


def doubts_of(line: bytes, oracle: Oracle) -> tuple[str, str]:
    """Return what is doubted of a patch that adds a line, and of one that keeps and takes away such lines."""
    adds = FileDiff("b/x.c", (Hunk(1, (b"x\n",), (b"x\n", line + b"\n")),))
    keeps = FileDiff("b/x.c", (Hunk(1, (line + b"\n", b"x\n"), (line + b"\n", b"y\n")),))
    other = FileDiff("b/y.c", (Hunk(1, (b"a\n",), (b"b\n",)),))
    removes = FileDiff("b/z.c", (Hunk(1, (line,), (b"",)),))
    return doubt_of((other, adds), oracle), doubt_of((keeps, removes), oracle)


@pytest.mark.parametrize(
    ("after", "lost"),
    [({"asan": 2, "ubsan": 1, "tsan": 1}, ()), ({"asan": 1, "ubsan": 5}, ("asan",)), ({}, ("asan", "ubsan"))],
)
def test_no_compiled_file_may_lose_its_checks(after: dict[str, int], lost: tuple[str, ...]) -> None:
    assert unchecked({"ubsan": 1, "asan": 2}, after) == lost


@pytest.mark.parametrize(
    ("hits", "runs", "needed"),
    [(5, 5, 5), (1, 1, 1), (4, 5, 5), (2, 5, 6), (1, 5, 14), (1, 20, RUNS_MAX), (19, 20, 20), (1, 2, 5)],
)
def test_a_flaw_that_shows_rarely_needs_more_silent_runs(hits: int, runs: int, needed: int) -> None:
    assert runs_needed(hits, runs) == needed


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (replace(CRASH, frames=(frame("elsewhere"),)), True),
        (replace(CRASH, signature=SAME, crash_class="SEGV"), True),
        (replace(CRASH, signature=SAME, frames=(frame("memcpy", origin=Origin.LIBC), *FRAMES)), True),
        (replace(CRASH, signature=SAME, frames=(frame("brittle_sum"), frame("read_one"))), False),
        (replace(CRASH, signature=SAME, frames=(frame("read_one", "lib/other.c"),)), False),
        (replace(CRASH, signature=SAME, frames=()), False),
    ],
)
def test_two_crashes_are_one_flaw_by_their_signature_or_their_faulting_function(other: Crash, *, is_same: bool) -> None:
    assert is_same_flaw(CRASH, other) is is_same
    assert is_same_flaw(other, CRASH) is is_same


def test_nothing_that_no_subject_did_is_one_flaw_with_another_such_thing() -> None:
    nobodys = replace(CRASH, frames=())

    assert not is_same_flaw(nobodys, replace(nobodys, signature=SAME))
