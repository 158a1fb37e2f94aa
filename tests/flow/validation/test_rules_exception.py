"""What a run showed of an exception: exact words, both sides of every bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.blame.rules import SKIPPED
from leadtime.flow.validation.oracles.crashes import doubt_of_depth, signature_of
from leadtime.flow.validation.oracles.exception import DOUBTS, claims_traceback, class_name
from leadtime.flow.validation.records import Crash, Frame, Judged, Limit, Oracle, Origin, SeenRun, Showing
from leadtime.flow.validation.rules import judge_run
from leadtime.flow.validation.stacks.records import NativeFrame, PythonFrame, RaisedException
from leadtime.foundation.digests import digest_of_parts
from tests.flow.validation.seen import EVALUATOR, PACKAGE, PYTHON, SCENE, START, TARGET, native, python, stack

QUIET = SeenRun(limit=None, signal=None, claims_report=False)
SETS = native("PyErr_SetObject", PYTHON)
PARSE = python("parse", PACKAGE, 34)
RUN = python("<module>", "/box/work/h.py", 2, entry=True)
FROZEN = python("_read_directory", "<frozen zipimport>", 94, entry=True)
SUBJECTS = "parse brittle/__init__.py:34"
LIBFFI = native("ffi_call", "/usr/lib/x86_64-linux-gnu/libffi.so.8.1.2")
CTYPES = native("??", "/usr/lib/python3.11/lib-dynload/_ctypes.cpython-311-x86_64-linux-gnu.so")


def raised(
    *frames: PythonFrame,
    natives: tuple[NativeFrame, ...] = (SETS, EVALUATOR, START),
    name: str = "ValueError",
    ancestors: tuple[str, ...] = ("ValueError", "Exception"),
    doubts: tuple[str, ...] = (),
    lowered: tuple[str, ...] = (),
    limit: int = 1000,
    ending: int = 0,
) -> RaisedException:
    return RaisedException(
        ending, name, ancestors, doubts, lowered, limit, stack(*natives, python=frames or (PARSE, RUN))
    )


def judged(*seen: RaisedException, **changes: object) -> Judged:
    return judge_run(Oracle.EXCEPTION, replace(QUIET, raised=seen, **changes), SCENE)  # type: ignore[arg-type]


def test_one_that_the_subject_raised_is_a_hit() -> None:
    frames = (
        Frame("PyErr_SetObject", "", None, Origin.INTERPRETER),
        Frame("parse", "brittle/__init__.py", 34, Origin.SUBJECT),
        Frame("<module>", "h.py", 2, Origin.FINDER),
        Frame("__libc_start_main", "", None, Origin.LIBC),
    )
    signature = digest_of_parts(("leadtime.signature/1", "ValueError", "parse"))

    assert judged(raised()) == Judged(
        Showing.HIT, f"ValueError in {SUBJECTS}", Crash("ValueError", "", frames, signature)
    )


def test_one_that_somebody_else_raised_is_foreign() -> None:
    assert judged(raised(RUN)) == Judged(
        Showing.FOREIGN, "ValueError, but its faulting frame <module> h.py:2 is the harness's, not the subject's"
    )


def test_one_in_the_subjects_machine_code_is_a_hit_if_its_frame_is_there() -> None:
    own = native("fail", TARGET, "/box/src/lib/brittle.c", 5)

    found = judged(raised(RUN, natives=(SETS, own, EVALUATOR, START)))

    assert (found.showing, found.reason) == (Showing.HIT, "ValueError in fail lib/brittle.c:5")


@pytest.mark.parametrize("word", DOUBTS)
def test_a_doubt_of_the_observers_is_said(word: str) -> None:
    assert judged(raised(doubts=(word,))) == Judged(Showing.FOREIGN, f"ValueError in {SUBJECTS}, but {DOUBTS[word]}")
    assert judged(raised(RUN, doubts=(word,))) == Judged(Showing.FOREIGN, f"ValueError, but {DOUBTS[word]}")


def test_a_doubt_without_words_is_a_doubt() -> None:
    assert judged(raised(doubts=("new",))).reason == f"ValueError in {SUBJECTS}, but the observer doubts it"
    assert judged(raised(RUN, doubts=("new",))).reason == (
        "ValueError, but its faulting frame <module> h.py:2 is the harness's, not the subject's"
    )


@pytest.mark.parametrize("frame", [LIBFFI, CTYPES])
def test_one_raised_through_ctypes_is_foreign(frame: NativeFrame) -> None:
    assert judged(raised(natives=(SETS, frame, EVALUATOR, START))).reason == (
        f"ValueError in {SUBJECTS}, but it was raised through ctypes, by which anything can be raised anywhere"
    )


def test_a_foreign_call_further_out_is_nobodys_doubt() -> None:
    frames = (replace(PARSE, is_entry=True), RUN)

    assert judged(raised(*frames, natives=(SETS, EVALUATOR, LIBFFI, EVALUATOR, START))).showing is Showing.HIT


def test_a_lowered_limit_is_said() -> None:
    assert judged(raised(lowered=("open files",))).reason == (
        f"ValueError in {SUBJECTS}, but it ran with a lowered limit: open files"
    )


@pytest.mark.parametrize(("machine_frames", "showing"), [(399, Showing.FOREIGN), (400, Showing.HIT)])
def test_of_a_stack_that_is_too_deep_to_read_the_inner_part_counts(machine_frames: int, showing: Showing) -> None:
    inner = (SETS, EVALUATOR, *[START] * (machine_frames - 2))

    found = judged(raised(replace(PARSE, is_entry=True), RUN, natives=inner))

    assert found.showing is showing
    assert judged(raised(natives=(SETS, *[START] * (machine_frames - 1)))).showing is Showing.FOREIGN


def test_memory_is_nobodys() -> None:
    found = judged(raised(name="MemoryError", ancestors=("MemoryError", "Exception")))

    assert found.reason == f"MemoryError in {SUBJECTS}, but who used up the memory cannot be told"


@pytest.mark.parametrize(
    ("limit", "frames", "doubt"),
    [
        (1000, (PARSE, RUN), ""),
        (999, (PARSE, RUN), ", but the recursion limit was lowered to 999"),
        (1000, (PARSE, PARSE, replace(RUN, is_entry=False), RUN), ""),
        (1000, (PARSE, replace(RUN, is_entry=False), RUN), ", but most of its stack is not the subject's"),
    ],
)
def test_a_recursion_is_the_subjects_if_its_depth_is(limit: int, frames: tuple[PythonFrame, ...], doubt: str) -> None:
    found = judged(raised(*frames, name="RecursionError", ancestors=("RecursionError",), limit=limit))

    assert found.reason == f"RecursionError in {SUBJECTS}{doubt}"
    assert found.showing is (Showing.FOREIGN if doubt else Showing.HIT)


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_what_somebody_wanted_is_no_failure(kind: str) -> None:
    found = judged(raised(name="brittle.Quit", ancestors=(kind, "BaseException")))

    assert found == Judged(Showing.QUIET, f"the program ended by {kind}, which is no failure")
    stopped = judged(raised(name="brittle.Quit", ancestors=(kind,)), limit=Limit.TIME)
    assert stopped == Judged(Showing.STOPPED, "the time limit was reached")
    assert judged(raised(), limit=Limit.TIME).showing is Showing.HIT


def test_the_first_that_left_anybodys_frames_counts() -> None:
    started, own = raised(FROZEN), raised(RUN, ending=1)

    assert judged(started, own, raised(ending=2)).showing is Showing.FOREIGN
    assert judged(started, raised(ending=1), replace(own, ending=2)).showing is Showing.HIT
    assert judged(started) == Judged(Showing.QUIET, "nothing was seen")


def test_where_it_may_be_any_of_several_all_must_be_the_subjects() -> None:
    other = raised(replace(PARSE, line=40), RUN)

    assert judged(raised(), raised(RUN), other).showing is Showing.FOREIGN
    assert judged(raised(), other).reason == "ValueError in parse brittle/__init__.py:40"
    assert judged(raised(FROZEN), raised()).showing is Showing.FOREIGN


def test_what_was_not_watched_is_unseen() -> None:
    found = judged(unwatched="it raised exceptions more than 9 times", claims_traceback=True)

    assert found == Judged(Showing.UNSEEN, "it raised exceptions more than 9 times")


def test_a_traceback_that_nothing_stands_behind_is_forged() -> None:
    assert judged(claims_traceback=True) == Judged(
        Showing.FORGED, "the output holds a traceback, but no exception was seen to end the program"
    )
    assert judged() == Judged(Showing.QUIET, "nothing was seen")
    assert judged(limit=Limit.TIME) == Judged(Showing.STOPPED, "the time limit was reached")


@pytest.mark.parametrize(
    ("name", "ancestors", "shown"),
    [
        ("ValueError", ("ValueError", "Exception"), "ValueError"),
        ("builtins.ValueError", ("Exception",), "?.ValueError"),
        ("ValueError", ("Exception",), "?.ValueError"),
        ("__main__.ValueError", ("Exception",), "__main__.ValueError"),
        ("brittle.BrittleError", ("ValueError",), "brittle.BrittleError"),
        ("brittle.f.<locals>.E", ("Exception",), "brittle.f.<locals>.E"),
        ("a" * 200, ("a" * 200,), "a" * 200),
        ("a" * 201, ("a" * 201,), "exception of an unreadable name"),
        (".E", ("Exception",), "exception of an unreadable name"),
        ("a.E\n", ("Exception",), "exception of an unreadable name"),
        ("a.\x1b[31m", (), "exception of an unreadable name"),
    ],
)
def test_a_class_is_called_by_its_full_name_unless_it_is_built_in(
    name: str, ancestors: tuple[str, ...], shown: str
) -> None:
    assert class_name(raised(name=name, ancestors=ancestors)) == shown


@pytest.mark.parametrize(
    ("output", "claims"),
    [
        (b"Traceback (most recent call last):\n  File", True),
        (b"Exception in thread\nTraceback (most recent call last):\n", True),
        (b"said: Traceback (most recent call last):\n", False),
        (b"Traceback (most recent call last): no\n", False),
        (b"", False),
    ],
)
def test_a_traceback_in_an_output(output: bytes, *, claims: bool) -> None:
    assert claims_traceback(output) is claims


def test_a_recursion_has_one_signature_wherever_it_ran_out() -> None:
    a, b = (Frame(name, "brittle/__init__.py", 3, Origin.SUBJECT) for name in "ab")

    one, other = signature_of("RecursionError", (a, b) * 3), signature_of("RecursionError", (b, a) * 3)

    assert one == other == digest_of_parts(("leadtime.signature/1", "RecursionError", "a", "b"))
    assert signature_of("ValueError", (a, b) * 3) != signature_of("ValueError", (b, a) * 3)


def test_frames_that_are_never_to_blame_are_no_depth() -> None:
    own = Frame("parse", "brittle/__init__.py", 3, Origin.SUBJECT)
    skipped = tuple(Frame("x", "", None, origin) for origin in sorted(SKIPPED))

    assert doubt_of_depth((own, *skipped)) == ""
