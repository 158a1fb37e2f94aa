"""What a run showed, and the verdict: exact words, both sides of every bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.oracles.crashes import signature_of
from leadtime.flow.validation.oracles.sanitizer import claims_report, is_kernels
from leadtime.flow.validation.records import (
    Circumstances,
    Crash,
    FixedSide,
    FixedWord,
    Frame,
    Judged,
    Limit,
    Oracle,
    Origin,
    Rate,
    RuntimeReport,
    SeenRun,
    Showing,
    ThreadSample,
    Word,
)
from leadtime.flow.validation.rules import (
    conclude,
    judge_fixed,
    judge_run,
    plain_input_name,
    wilson,
)
from leadtime.flow.validation.stacks.records import Fault, FrameKind, NativeFrame, Stack
from leadtime.foundation.digests import digest_of_parts
from tests.flow.validation.seen import (
    ASAN,
    DEADLY,
    DIE,
    EVALUATOR,
    FINDERS,
    GENERIC,
    LIBC,
    OUTER,
    SCENE,
    SIGNAL,
    SOURCE,
    START,
    SUBJECT,
    TARGET,
    asan,
    frame,
    native,
    stack,
)

QUIET = SeenRun(limit=None, signal=None, claims_report=False)
OVERFLOW = stack(DIE, GENERIC, SUBJECT, OUTER, FINDERS, START)


def report(
    seen: Stack,
    *,
    description: str = "1-byte-read-heap-buffer-overflow",
    access_class: str = "heap-buffer-overflow",
    size: int = 1,
    write: bool = False,
    fault: Fault | None = None,
) -> RuntimeReport:
    return RuntimeReport(seen, fault, description, access_class, size, write)


def sanitizer(*reports: RuntimeReport, **changes: object) -> Judged:
    return judge_run(Oracle.SANITIZER, replace(QUIET, reports=reports, **changes), SCENE)


def crashed(crash_class: str = "heap-buffer-overflow", *names: str) -> Crash:
    frames = tuple(frame(name) for name in names or ("read_one", "brittle_sum"))
    return Crash(crash_class, "READ 1", frames, signature_of(crash_class, frames))


def hit(crash: Crash | None = None) -> Judged:
    return Judged(Showing.HIT, "it failed", crash or crashed())


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [
        (5, 5, 0.57, 1.0),
        (0, 5, 0.0, 0.43),
        (1, 5, 0.04, 0.62),
        (3, 5, 0.23, 0.88),
        (1, 1, 0.21, 1.0),
        (10, 20, 0.3, 0.7),
    ],
)
def test_a_rate_has_its_wilson_interval(hits: int, runs: int, low: float, high: float) -> None:
    assert wilson(hits, runs) == Rate(hits, runs, low, high)


@given(runs=st.integers(1, 1000), data=st.data())
def test_a_rate_lies_in_its_interval_and_its_mirror_mirrors(runs: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, runs))
    rate, mirror = wilson(hits, runs), wilson(runs - hits, runs)

    assert 0 <= rate.low <= hits / runs + 0.005
    assert hits / runs - 0.005 <= rate.high <= 1
    assert (mirror.low, mirror.high) == pytest.approx((1 - rate.high, 1 - rate.low), abs=0.011)


def test_a_report_in_the_subject_is_a_hit() -> None:
    frames = (
        Frame("__sanitizer::Die", "", None, Origin.SANITIZER),
        Frame("__asan::ReportGenericError(unsigned long)", "", None, Origin.SANITIZER),
        Frame("read_one", "lib/brittle.c", 5, Origin.SUBJECT),
        Frame("brittle_sum", "lib/brittle.c", 13, Origin.SUBJECT),
        Frame("main", "harness.c", 8, Origin.FINDER),
        Frame("__libc_start_main", "", None, Origin.LIBC),
    )
    signature = digest_of_parts(("leadtime.signature/1", "heap-buffer-overflow", "read_one", "brittle_sum"))
    crash = Crash("heap-buffer-overflow", "READ 1", frames, signature)

    assert sanitizer(report(OVERFLOW)) == Judged(Showing.HIT, "heap-buffer-overflow in read_one lib/brittle.c:5", crash)
    assert crash.subject_frames == frames[2:4]


def test_a_report_in_the_harness_is_foreign() -> None:
    assert sanitizer(report(stack(DIE, GENERIC, FINDERS))) == Judged(
        Showing.FOREIGN,
        "heap-buffer-overflow, but its faulting frame main harness.c:8 is the harness's, not the subject's",
    )


def test_a_hit_outweighs_a_foreign_report_in_either_order() -> None:
    foreign, own = report(stack(DIE, GENERIC, FINDERS)), report(OVERFLOW)

    assert sanitizer(foreign, own).showing is Showing.HIT
    assert sanitizer(own, foreign).showing is Showing.HIT


def test_text_alone_is_forged_and_a_real_report_beside_it_counts() -> None:
    assert sanitizer(claims_report=True) == Judged(
        Showing.FORGED, "the output holds a sanitizer's report, but no runtime was seen making one"
    )
    assert sanitizer(report(OVERFLOW), claims_report=True).showing is Showing.HIT
    assert sanitizer(report(stack(DIE, GENERIC, FINDERS)), claims_report=True).showing is Showing.FOREIGN


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (Limit.TIME, "the time limit was reached"),
        (Limit.MEMORY, "the memory limit was reached"),
        (Limit.OUTPUT, "the output limit was reached"),
        (Limit.DISK, "the disk limit was reached"),
    ],
)
def test_a_limit_is_named(limit: Limit, reason: str) -> None:
    assert sanitizer(limit=limit, signal=9) == Judged(Showing.STOPPED, reason)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (Limit.OBSERVER, "a limit of the observer was reached"),
        (Limit.TREE, "a limit on what a build may leave behind was reached"),
    ],
)
def test_what_could_not_be_seen_is_nobodys_fault(limit: Limit, reason: str) -> None:
    assert sanitizer(limit=limit, signal=9) == Judged(Showing.UNSEEN, reason)
    assert hang(replace(QUIET, limit=limit)) == Judged(Showing.UNSEEN, reason)


def test_a_signal_without_a_report_is_told_apart_from_nothing() -> None:
    assert sanitizer(signal=11) == Judged(Showing.DIED, "the program ended by SEGV without a sanitizer's report")
    assert sanitizer(signal=9) == Judged(Showing.DIED, "the program ended by signal 9 without a sanitizer's report")
    assert sanitizer() == Judged(Showing.QUIET, "nothing was seen")


def test_a_runtime_that_ends_without_reporting_shows_nothing() -> None:
    exits = report(stack(DIE, SUBJECT), description="", access_class="")

    assert sanitizer(exits) == Judged(Showing.QUIET, "nothing was seen")


def test_no_report_without_a_frame_of_the_runtime() -> None:
    pretended = native("__asan::ReportGenericError", TARGET, SOURCE, 1)

    assert sanitizer(report(stack(pretended, SUBJECT))) == Judged(Showing.QUIET, "nothing was seen")


def test_a_runtime_without_symbols_is_known_by_its_error() -> None:
    nameless = asan("")

    assert sanitizer(report(stack(nameless, SUBJECT))).reason == "heap-buffer-overflow in read_one lib/brittle.c:5"
    deadly = report(stack(nameless, SIGNAL, SUBJECT), description="signal", access_class="", fault=Fault(8, 1, 1))
    assert sanitizer(deadly).reason == "FPE in read_one lib/brittle.c:5"


@pytest.mark.parametrize(
    ("size", "write", "access"), [(1, False, "READ 1"), (8, True, "WRITE 8"), (300, False, "READ 300")]
)
def test_an_access_has_direction_and_size(size: int, *, write: bool, access: str) -> None:
    found = sanitizer(report(OVERFLOW, size=size, write=write)).crash

    assert found is not None
    assert found.access == access


@pytest.mark.parametrize(
    ("function", "description", "crash_class"),
    [
        ("__asan::ReportDoubleFree(unsigned long)", "double-free", "double-free"),
        ("__ubsan_handle_shift_out_of_bounds_abort", "", "shift-out-of-bounds"),
        ("__ubsan_handle_type_mismatch_v1", "", "type-mismatch"),
        ("__ubsan_handle_divrem_overflow", "", "divrem-overflow"),
        ("__ubsan::ScopedReport::~ScopedReport()", "", "undefined-behavior"),
        ("__tsan::ReportRace(__tsan::ThreadState*)", "", "data-race"),
    ],
)
def test_other_errors_are_called_what_the_runtime_calls_them(function: str, description: str, crash_class: str) -> None:
    found = sanitizer(report(stack(DIE, asan(function), SUBJECT), description=description, access_class="")).crash

    assert found is not None
    assert (found.crash_class, found.access) == (crash_class, "")


def deadly(
    number: int, *, code: int = 1, pc: int = 1, write: bool = False, description: str = "signal"
) -> RuntimeReport:
    crossed = replace(SIGNAL, is_write=write)
    fault = Fault(number, code, pc)
    return report(stack(DIE, DEADLY, crossed, SUBJECT), description=description, access_class="", fault=fault)


@pytest.mark.parametrize(
    ("number", "crash_class", "access"),
    [(11, "SEGV", "READ"), (8, "FPE", ""), (7, "BUS", ""), (4, "ILL", ""), (5, "TRAP", ""), (31, "UNKNOWN", "")],
)
def test_a_signal_is_classed_by_the_kernels_number(number: int, crash_class: str, access: str) -> None:
    found = sanitizer(deadly(number)).crash

    assert found is not None
    assert (found.crash_class, found.access) == (crash_class, access)


def test_a_segv_tells_reading_from_writing_and_a_stack_overflow_is_one() -> None:
    write, overflow = sanitizer(deadly(11, write=True)).crash, sanitizer(deadly(11, description="stack-overflow")).crash

    assert write is not None
    assert overflow is not None
    assert (write.crash_class, write.access) == ("SEGV", "WRITE")
    assert (overflow.crash_class, overflow.access) == ("stack-overflow", "")


def test_a_stack_that_others_used_up_is_not_the_subjects_overflow() -> None:
    def overflow(*frames: NativeFrame) -> Judged:
        crossed = (DIE, DEADLY, SIGNAL, *frames, START)
        seen = report(stack(*crossed), description="stack-overflow", access_class="", fault=Fault(11, 1, 1))
        return sanitizer(seen)

    assert overflow(SUBJECT, FINDERS).showing is Showing.HIT
    assert overflow(SUBJECT, FINDERS, SUBJECT, FINDERS).showing is Showing.HIT
    assert overflow(SUBJECT, FINDERS, FINDERS) == Judged(
        Showing.FOREIGN,
        "stack-overflow in read_one lib/brittle.c:5, but most of its stack is not the subject's",
    )
    assert sanitizer(report(stack(DIE, GENERIC, SUBJECT, FINDERS, FINDERS))).showing is Showing.HIT


def test_what_fails_in_unfair_circumstances_shows_nothing() -> None:
    seen = replace(report(OVERFLOW), circumstances=Circumstances(lowered=("stack size",)))

    assert sanitizer(seen) == Judged(
        Showing.FOREIGN,
        "heap-buffer-overflow in read_one lib/brittle.c:5, but it ran with a lowered limit: stack size",
    )
    assert sanitizer(replace(report(stack(DIE, GENERIC, FINDERS)), circumstances=seen.circumstances)).reason == (
        "heap-buffer-overflow, but its faulting frame main harness.c:8 is the harness's, not the subject's"
    )


@pytest.mark.parametrize(
    "seen", [deadly(11, code=0), deadly(11, code=-6), deadly(11, pc=2), replace(deadly(11), fault=None)]
)
def test_a_signal_that_somebody_sent_is_foreign(seen: RuntimeReport) -> None:
    assert sanitizer(seen) == Judged(
        Showing.FOREIGN, "the sanitizer reported a signal that a process sent, not a fault of the kernel's"
    )


def test_a_sent_signal_is_no_matter_to_an_error_that_the_runtime_found_itself() -> None:
    seen = report(stack(DIE, GENERIC, SIGNAL, SUBJECT), fault=Fault(11, 0, 9))

    assert sanitizer(seen).showing is Showing.HIT


def test_an_abort_is_believed_where_libc_sent_it() -> None:
    raising = native("raise", LIBC, pc=7)
    own = stack(DIE, DEADLY, SIGNAL, raising, SUBJECT)

    assert is_kernels(Fault(6, -6, 7), own, SCENE)
    assert not is_kernels(Fault(6, 0, 7), own, SCENE)
    assert not is_kernels(Fault(6, -6, 8), own, SCENE)
    assert not is_kernels(Fault(6, -6, 1), stack(DIE, DEADLY, SIGNAL, SUBJECT), SCENE)
    assert not is_kernels(Fault(6, -6, 7), stack(DIE, raising, SUBJECT), SCENE)


def test_the_kernels_fault_lies_behind_the_signal() -> None:
    far = stack(DIE, SIGNAL, replace(SUBJECT, pc=5), replace(OUTER, pc=6))

    assert is_kernels(Fault(11, 1, 5), far, SCENE)
    assert not is_kernels(Fault(11, 1, 6), far, SCENE)
    assert not is_kernels(Fault(11, 0, 5), far, SCENE)


LOOP = native("brittle_spin", TARGET, SOURCE, 29)
ASLEEP = stack(native("clock_nanosleep", LIBC), START)


def sampled(*stacks: Stack, thread: int = 7, process: int = 7, working: bool = True, state: str = "R") -> SeenRun:
    moments = tuple(
        (ThreadSample(process, thread, state, 1000 + (80 * n if working else 0), 0, 1000 + 80 * n, seen),)
        for n, seen in enumerate(stacks)
    )
    return replace(QUIET, limit=Limit.TIME, samples=moments)


def hang(run: SeenRun) -> Judged:
    return judge_run(Oracle.HANG, run, SCENE)


IN_SUBJECT = stack(LOOP, FINDERS)
IN_HARNESS = stack(FINDERS, OUTER)
UNREADABLE_STACK = stack(EVALUATOR, START)


def test_a_hang_in_the_subject_is_a_hit() -> None:
    frames = (
        Frame("brittle_spin", "lib/brittle.c", 29, Origin.SUBJECT),
        Frame("main", "harness.c", 8, Origin.FINDER),
    )
    signature = digest_of_parts(("leadtime.signature/1", "timeout", "brittle_spin"))

    assert hang(sampled(*[IN_SUBJECT] * 5)) == Judged(
        Showing.HIT, "timeout in brittle_spin lib/brittle.c:29", Crash("timeout", "", frames, signature)
    )


@pytest.mark.parametrize(
    ("inside", "outside", "showing"),
    [
        (5, 0, Showing.HIT),
        (3, 2, Showing.HIT),
        (2, 3, Showing.FOREIGN),
        (2, 2, Showing.FOREIGN),
        (3, 3, Showing.FOREIGN),
    ],
)
def test_most_moments_must_be_in_the_subject(inside: int, outside: int, showing: Showing) -> None:
    stacks = [IN_SUBJECT] * inside + [IN_HARNESS] * outside

    assert hang(sampled(*stacks)).showing is showing


@pytest.mark.parametrize(("seen", "missed", "showing"), [(3, 2, Showing.HIT), (2, 2, Showing.FOREIGN)])
def test_a_thread_that_was_not_seen_in_most_moments_does_not_hang(seen: int, missed: int, showing: Showing) -> None:
    run = sampled(*[IN_SUBJECT] * seen)

    assert hang(replace(run, samples=(*run.samples, *[()] * missed))).showing is showing


@pytest.mark.parametrize(
    ("inside", "outside", "unreadable", "showing"),
    [
        (3, 0, 2, Showing.HIT),
        (2, 0, 2, Showing.FOREIGN),
        (3, 2, 4, Showing.HIT),
        (3, 3, 0, Showing.FOREIGN),
        (2, 2, 3, Showing.FOREIGN),
    ],
)
def test_a_stack_that_could_not_be_read_speaks_for_nobody_if_most_could(
    inside: int, outside: int, unreadable: int, showing: Showing
) -> None:
    stacks = [UNREADABLE_STACK] * unreadable + [IN_SUBJECT] * inside + [IN_HARNESS] * outside

    assert hang(sampled(*stacks)).showing is showing


def test_blame_is_for_a_stack_that_could_be_read_before_one_that_could_not() -> None:
    assert hang(sampled(UNREADABLE_STACK, IN_HARNESS)).reason == (
        "timeout, but its faulting frame main harness.c:8 is the harness's, not the subject's"
    )
    assert hang(sampled(UNREADABLE_STACK, UNREADABLE_STACK)).reason == (
        "timeout, but its faulting frame (an interpreter's stack that could not be read) is of unknown code, "
        "not the subject's"
    )


def test_what_hangs_is_named_by_what_most_moments_share() -> None:
    deeper = stack(SUBJECT, LOOP, FINDERS)
    frames = (
        Frame("read_one", "lib/brittle.c", 5, Origin.SUBJECT),
        Frame("brittle_spin", "lib/brittle.c", 29, Origin.SUBJECT),
        Frame("main", "harness.c", 8, Origin.FINDER),
    )

    found = hang(sampled(IN_SUBJECT, deeper, deeper, IN_HARNESS)).crash

    assert found is not None
    assert found.frames == frames


def test_a_harness_that_spins_is_to_blame() -> None:
    assert hang(sampled(*[IN_HARNESS] * 5)) == Judged(
        Showing.FOREIGN, "timeout, but its faulting frame main harness.c:8 is the harness's, not the subject's"
    )


def test_nothing_of_note_is_said_as_such() -> None:
    words = Judged(Showing.FOREIGN, "timeout, but no thread of it was in the subject")

    assert hang(sampled(*[ASLEEP] * 5)) == words
    assert hang(sampled()) == words


@pytest.mark.parametrize("thread", [7, 8])
def test_a_thread_hangs_only_if_it_works(thread: int) -> None:
    assert hang(sampled(*[IN_SUBJECT] * 5, thread=thread)).showing is Showing.HIT
    assert hang(sampled(*[IN_SUBJECT] * 5, thread=thread, working=False, state="S")) == Judged(
        Showing.FOREIGN, "timeout, but its thread in brittle_spin lib/brittle.c:29 did not work most of the time"
    )


def test_on_a_machine_that_is_too_busy_nobody_is_to_blame() -> None:
    idle = sampled(*[IN_SUBJECT] * 5, working=False)
    starved = tuple(tuple(replace(one, ran_ms=400, waited_ms=500) for one in moment) for moment in idle.samples)
    asleep = sampled(*[ASLEEP] * 5, working=False)

    assert hang(replace(idle, samples=starved)) == Judged(
        Showing.UNSEEN, "timeout, but this machine was too busy to let it run"
    )
    elsewhere = tuple(tuple(replace(one, ran_ms=400, waited_ms=500) for one in moment) for moment in asleep.samples)
    assert hang(replace(asleep, samples=elsewhere)).showing is Showing.FOREIGN


def test_a_thread_that_was_seen_once_was_not_seen_working() -> None:
    assert hang(sampled(IN_SUBJECT)).showing is Showing.FOREIGN


def test_a_thread_that_does_not_work_hides_no_other() -> None:
    idle, busy = sampled(*[ASLEEP] * 3, thread=7, process=1, working=False), sampled(*[IN_SUBJECT] * 3, thread=9)
    both = tuple((*a, *b) for a, b in zip(idle.samples, busy.samples, strict=True))

    assert hang(replace(idle, samples=both)).showing is Showing.HIT


def test_the_subject_is_not_blamed_where_it_did_not_hang() -> None:
    assert hang(sampled(IN_SUBJECT, IN_HARNESS)).reason == (
        "timeout, but its faulting frame main harness.c:8 is the harness's, not the subject's"
    )


def test_one_hanging_thread_among_others_is_enough() -> None:
    first, second = sampled(*[ASLEEP] * 5), sampled(*[IN_SUBJECT] * 5, thread=9)
    both = tuple((*a, *b) for a, b in zip(first.samples, second.samples, strict=True))

    assert hang(replace(first, samples=both)).showing is Showing.HIT


def test_a_run_that_ends_in_time_does_not_hang() -> None:
    assert hang(QUIET) == Judged(Showing.QUIET, "nothing was seen")
    assert hang(replace(QUIET, limit=Limit.MEMORY)) == Judged(Showing.STOPPED, "the memory limit was reached")
    assert hang(replace(QUIET, claims_report=True)) == Judged(
        Showing.FORGED, "the output holds a sanitizer's report, but the run did not reach its limit"
    )


def test_a_signature_is_over_class_and_first_subject_functions_without_lines() -> None:
    names = ("a(int)", "b", "c", "d")
    frames = [frame("x", origin=Origin.LIBC), *(frame(name, line=n) for n, name in enumerate(names))]

    assert signature_of("SEGV", frames) == digest_of_parts(("leadtime.signature/1", "SEGV", "a", "b", "c"))


def test_a_recursions_signature_does_not_depend_on_where_the_stack_ended() -> None:
    cycle = [frame("a"), frame("b")] * 3
    once = frame("leaf")

    wanted = digest_of_parts(("leadtime.signature/1", "stack-overflow", "a", "b"))
    assert signature_of("stack-overflow", [once, *cycle]) == wanted
    assert signature_of("stack-overflow", [*cycle[1:], frame("a"), once]) == wanted
    assert signature_of("stack-overflow", [once, *cycle[:4]]) == digest_of_parts(
        ("leadtime.signature/1", "stack-overflow", "leaf", "a", "b")
    )
    assert signature_of("SEGV", cycle) == digest_of_parts(("leadtime.signature/1", "SEGV", "a", "b", "a"))


QUIETLY = Judged(Showing.QUIET, "nothing was seen")
DIED = Judged(Showing.DIED, "it died")
STOPPED = Judged(Showing.STOPPED, "a limit")
UNSEEN = Judged(Showing.UNSEEN, "not seen")
FORGED = Judged(Showing.FORGED, "a forgery")
FOREIGN = Judged(Showing.FOREIGN, "a foreigner")


@pytest.mark.parametrize(
    ("judged", "word", "reason"),
    [
        ((QUIETLY,), Word.NOT_REPRODUCED, "nothing was seen"),
        ((QUIETLY, DIED), Word.NOT_REPRODUCED, "it died"),
        ((DIED, STOPPED), Word.INCONCLUSIVE, "a limit"),
        ((STOPPED, UNSEEN), Word.INCONCLUSIVE, "not seen"),
        ((UNSEEN, FORGED), Word.HARNESS_FAULT, "a forgery"),
        ((STOPPED, FORGED), Word.HARNESS_FAULT, "a forgery"),
        ((FORGED, FOREIGN), Word.HARNESS_FAULT, "a foreigner"),
        ((QUIETLY, FOREIGN, STOPPED), Word.HARNESS_FAULT, "a foreigner"),
    ],
)
def test_without_a_hit_the_gravest_showing_decides(judged: tuple[Judged, ...], word: Word, reason: str) -> None:
    assert conclude("", None, judged) == (word, reason, None)
    assert conclude("", QUIETLY, tuple(reversed(judged))) == (word, reason, None)


def test_one_hit_in_five_reproduces() -> None:
    found = hit()

    assert conclude("", None, (QUIETLY, FOREIGN, found, STOPPED, FORGED)) == (
        Word.REPRODUCED,
        "it failed",
        found.crash,
    )


def test_of_several_crashes_the_most_frequent_stands_for_all() -> None:
    rare = replace(hit(crashed("SEGV")), reason="rare")
    often = [replace(hit(crashed("FPE")), reason=f"often {n}") for n in range(2)]

    assert conclude("", None, (rare, *often)) == (Word.REPRODUCED, "often 0", often[0].crash)


def test_what_was_not_built_is_not_decided() -> None:
    assert conclude("it failed to build", FORGED, (hit(),)) == (Word.INCONCLUSIVE, "it failed to build", None)


@pytest.mark.parametrize("control", [DIED, STOPPED, FORGED, FOREIGN, hit()])
def test_a_control_that_is_not_clean_is_a_harness_fault(control: Judged) -> None:
    assert conclude("", control, (hit(),)) == (
        Word.HARNESS_FAULT,
        f"the control input is not clean: {control.reason}",
        None,
    )


def test_a_control_that_could_not_be_seen_decides_nothing() -> None:
    assert conclude("", UNSEEN, (hit(),)) == (
        Word.INCONCLUSIVE,
        "what the control input does could not be seen: not seen",
        None,
    )


CRASH = crashed()


@pytest.mark.parametrize(
    ("judged", "side"),
    [
        ((QUIETLY,) * 5, FixedSide(FixedWord.CLEAN, "nothing was seen", 5, 0)),
        ((QUIETLY, hit(CRASH)), FixedSide(FixedWord.STILL_FAILS, "it failed", 2, 1)),
        ((DIED, hit(crashed("SEGV")), hit(CRASH)), FixedSide(FixedWord.STILL_FAILS, "it failed", 3, 1)),
        ((QUIETLY, DIED, FOREIGN), FixedSide(FixedWord.FAILS_OTHERWISE, "it died", 3, 2)),
        ((STOPPED,), FixedSide(FixedWord.FAILS_OTHERWISE, "a limit", 1, 1)),
        ((QUIETLY, UNSEEN), FixedSide(FixedWord.NOT_CHECKED, "not seen", 2, 0)),
        ((UNSEEN, DIED), FixedSide(FixedWord.FAILS_OTHERWISE, "it died", 2, 1)),
        ((UNSEEN, hit(CRASH)), FixedSide(FixedWord.STILL_FAILS, "it failed", 2, 1)),
        ((hit(crashed("SEGV")),), FixedSide(FixedWord.FAILS_OTHERWISE, "it failed", 1, 1)),
    ],
)
def test_the_fixed_side_is_clean_or_fails_alike_or_otherwise(judged: tuple[Judged, ...], side: FixedSide) -> None:
    assert judge_fixed("", judged, CRASH, [False]) == (
        side
        if side.word is not FixedWord.CLEAN
        else FixedSide(FixedWord.NOT_CHECKED, "it was quiet, but nothing built from lib/brittle.c ran", 5, 0)
    )
    assert judge_fixed("", judged, CRASH, [True] * len(judged)) == side


def test_every_clean_run_must_have_run_the_code_that_failed() -> None:
    nameless = Crash("SEGV", "READ", (frame("f", file=""),), CRASH.signature)

    assert judge_fixed("", (QUIETLY, QUIETLY), CRASH, [True, False]).word is FixedWord.NOT_CHECKED
    assert judge_fixed("", (QUIETLY,), nameless, [True]).word is FixedWord.CLEAN
    assert judge_fixed("", (QUIETLY,), nameless, [False]) == FixedSide(
        FixedWord.NOT_CHECKED, "it was quiet, but nothing built from code ran", 1, 0
    )


def test_the_fixed_side_is_not_checked_for_a_reason() -> None:
    assert judge_fixed("it does not build", (), CRASH, ()) == FixedSide(
        FixedWord.NOT_CHECKED, "it does not build", 0, 0
    )
    assert judge_fixed("", (), None, ()) == FixedSide(
        FixedWord.NOT_CHECKED, "the flaw did not show in the vulnerable release", 0, 0
    )


@pytest.mark.parametrize(
    "text",
    [
        b"==1==ERROR: AddressSanitizer: SEGV",
        b"x\n==1==WARNING: MemorySanitizer: use",
        b"WARNING: ThreadSanitizer: data race",
        b"ERROR: HWAddressSanitizer: tag-mismatch",
        b"ERROR: UndefinedBehaviorSanitizer: SEGV",
        b"AddressSanitizer:DEADLYSIGNAL",
        b"UndefinedBehaviorSanitizer:DEADLYSIGNAL",
        b"SUMMARY: AddressSanitizer: heap-buffer-overflow a.c:1",
        b"SUMMARY: ThreadSanitizer: data race",
    ],
)
def test_text_like_a_report_is_a_claim(text: bytes) -> None:
    assert claims_report(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"AddressSanitizer is great",
        b"==1==ERROR: LeakSanitizer: detected memory leaks",
        b"SUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).",
        b"rejected: ValueError",
    ],
)
def test_leaks_and_plain_talk_are_none(text: bytes) -> None:
    assert not claims_report(text)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("a.json", "a.json"),
        ("deep/er/a-b_c.1", "a-b_c.1"),
        ("with space.bin", "input"),
        ("$(id)", "input"),
        ("-rf", "input"),
        (".hidden", "input"),
        ("a\n", "input"),
        ("", "input"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "input"),
    ],
)
def test_an_input_keeps_a_plain_name_only(given_name: str, name: str) -> None:
    assert plain_input_name(given_name) == name


def test_kinds_of_frames_are_what_a_debugger_says() -> None:
    assert NativeFrame(FrameKind.CALL, 1, "f", "", None, ASAN) == asan("f")
