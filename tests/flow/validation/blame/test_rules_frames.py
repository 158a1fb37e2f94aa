"""Whose a frame is, one stack of two kinds of frames, and the faulting frame."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.blame.rules import (
    blame,
    common_stack,
    faulting_frame,
    merged,
    origin_of,
    origin_of_python,
)
from leadtime.flow.validation.records import (
    Frame,
    Origin,
    Proof,
)
from leadtime.flow.validation.stacks.records import FrameKind, Module, NativeFrame, PythonFrame
from tests.flow.validation.seen import (
    DIE,
    EVALUATOR,
    FINDERS,
    GENERIC,
    MODULES,
    OUTER,
    PACKAGE,
    PYTHON,
    SCENE,
    SIGNAL,
    SOURCE,
    START,
    STDLIB,
    SUBJECT,
    TARGET,
    frame,
    native,
    python,
    stack,
)

LIB = "/usr/lib/x86_64-linux-gnu"


@pytest.mark.parametrize(
    ("module", "origin"),
    [
        (f"{LIB}/libasan.so.8.0.0", Origin.SANITIZER),
        (f"{LIB}/libubsan.so.1", Origin.SANITIZER),
        ("/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.so", Origin.SANITIZER),
        (f"{LIB}/libc.so.6", Origin.LIBC),
        ("/lib64/ld-linux-x86-64.so.2", Origin.LIBC),
        (f"{LIB}/libstdc++.so.6", Origin.LIBC),
        (f"{LIB}/libm.so.6", Origin.LIBC),
        (f"{LIB}/libjemalloc.so.2", Origin.ALLOCATOR),
        (f"{LIB}/libtcmalloc_minimal.so.4", Origin.ALLOCATOR),
        (f"{LIB}/libffi.so.8", Origin.INTERPRETER),
        (f"{LIB}/libpython3.11.so.1.0", Origin.INTERPRETER),
        (PYTHON, Origin.INTERPRETER),
        ("/usr/bin/dash", Origin.INTERPRETER),
        ("/bin/dash", Origin.INTERPRETER),
        (f"{STDLIB}/lib-dynload/_ctypes.so", Origin.INTERPRETER),
        (f"{STDLIB}/dist-packages/x.so", Origin.LIBRARY),
        (f"{STDLIB}/site-packages/x.so", Origin.LIBRARY),
        (f"{LIB}/libz.so.1", Origin.LIBRARY),
        (f"{LIB}/libcrypto.so.3", Origin.LIBRARY),
        ("/tmp/libc.so.6", Origin.FINDER),
        ("/tmp/libasan.so.8", Origin.FINDER),
        ("/dev/shm/python3.11", Origin.FINDER),
        (f"/tmp{STDLIB}/lib-dynload/_ctypes.so", Origin.FINDER),
        ("", Origin.UNKNOWN),
    ],
)
def test_a_module_outside_the_box_is_whose_the_system_says(module: str, origin: Origin) -> None:
    assert origin_of(native("f", module), stack(), SCENE) is origin


def test_an_interpreter_may_lie_anywhere_that_the_settings_say() -> None:
    scene = replace(SCENE, interpreters=frozenset({"/opt/py/bin/python3"}), library_places=("/opt/py/lib/python3.12",))

    assert origin_of(native("f", "/opt/py/bin/python3"), stack(), scene) is Origin.INTERPRETER
    assert origin_of(native("f", "/opt/py/lib/python3.12/lib-dynload/a.so"), stack(), scene) is Origin.INTERPRETER
    assert origin_of(native("f", "/opt/py/lib/python3.12/site-packages/a.so"), stack(), scene) is Origin.FINDER
    assert origin_of(native("f", "/opt/py/lib/python3.12x/a.so"), stack(), scene) is Origin.FINDER


def test_signals_and_broken_stacks_have_their_own_origin() -> None:
    assert origin_of(SIGNAL, stack(), SCENE) is Origin.SIGNAL
    assert origin_of(native("f", TARGET, kind=FrameKind.BROKEN), stack(), SCENE) is Origin.UNKNOWN


@pytest.mark.parametrize(
    ("seen", "origin"),
    [
        (SUBJECT, Origin.SUBJECT),
        (replace(SUBJECT, kind=FrameKind.INLINE), Origin.SUBJECT),
        (FINDERS, Origin.FINDER),
        (native("f", TARGET), Origin.FINDER),
        (native("f", TARGET, "/box/src/lib/generated.c", 1), Origin.FINDER),
        (native("f", "/box/work/unseen.so", SOURCE, 5), Origin.UNKNOWN),
        (replace(native("f", TARGET), is_runtime=True), Origin.SANITIZER),
    ],
)
def test_a_frame_in_a_proven_module_is_whose_the_compiler_read(seen: NativeFrame, origin: Origin) -> None:
    assert origin_of(seen, stack(seen), SCENE) is origin


def test_patched_code_is_nobodys() -> None:
    modules = {TARGET: Module("d:target", is_intact=False)}

    assert origin_of(SUBJECT, stack(modules=modules), SCENE) is Origin.UNKNOWN
    assert origin_of(replace(SUBJECT, is_runtime=True), stack(modules=modules), SCENE) is Origin.UNKNOWN


def test_an_unproven_module_names_the_subjects_file_in_vain() -> None:
    modules = {TARGET: Module("d:other", is_intact=True)}

    assert origin_of(SUBJECT, stack(modules=modules), SCENE) is Origin.UNPROVEN
    assert origin_of(FINDERS, stack(modules=modules), SCENE) is Origin.FINDER


def test_a_name_that_stood_for_two_files_is_not_the_subjects() -> None:
    scene = replace(SCENE, proofs={"d:target": Proof(is_whole=False, sources={SOURCE: ""})})

    assert origin_of(SUBJECT, stack(), scene) is Origin.UNPROVEN


def test_without_lines_the_module_counts() -> None:
    shipped = {"/box/src/lib/shipped.so": Module("d:shipped.so", is_intact=True)}
    whole = replace(SCENE, proofs={"d:target": Proof(is_whole=True, sources={})})

    assert origin_of(native("f", "/box/src/lib/shipped.so"), stack(modules=shipped), SCENE) is Origin.SUBJECT
    assert origin_of(native("f", TARGET), stack(), whole) is Origin.SUBJECT


@pytest.mark.parametrize(
    ("seen", "origin"),
    [
        (python("total", PACKAGE), Origin.SUBJECT),
        (python("total", PACKAGE, genuine=False), Origin.UNPROVEN),
        (python("main", "/box/work/h.py"), Origin.FINDER),
        (python("main", "<string>"), Origin.FINDER),
        (python("loads", f"{STDLIB}/json/__init__.py"), Origin.INTERPRETER),
        (python("loads", f"{STDLIB}/json/__init__.py", genuine=False), Origin.FINDER),
        (python("f", f"{STDLIB}/dist-packages/x.py"), Origin.FINDER),
        (python("f", f"{STDLIB}x/os.py"), Origin.FINDER),
        (python("join", "<frozen posixpath>"), Origin.INTERPRETER),
        (python("join", "<frozen posixpath>", genuine=False), Origin.FINDER),
    ],
)
def test_a_frame_of_python_is_whose_its_file_is_if_its_code_is_genuine(seen: PythonFrame, origin: Origin) -> None:
    assert origin_of_python(seen, stack(python=(seen,)), SCENE) is origin


def test_a_native_stack_is_shown_from_the_release() -> None:
    assert merged(stack(DIE, SUBJECT, FINDERS, START), SCENE) == (
        Frame("__sanitizer::Die", "", None, Origin.SANITIZER),
        Frame("read_one", "lib/brittle.c", 5, Origin.SUBJECT),
        Frame("main", "harness.c", 8, Origin.FINDER),
        Frame("__libc_start_main", "", None, Origin.LIBC),
    )


def test_names_that_are_missing_are_shown_as_such() -> None:
    nameless = native("", TARGET, "", 7)

    assert merged(stack(SIGNAL, nameless), SCENE) == (
        Frame("<signal>", "", None, Origin.SIGNAL),
        Frame("??", "", None, Origin.FINDER),
    )
    unnamed = python("", PACKAGE, entry=True)
    assert merged(stack(EVALUATOR, python=(unnamed,)), SCENE) == (
        Frame("??", "brittle/__init__.py", 3, Origin.SUBJECT),
    )


def test_each_evaluator_gives_way_to_the_python_it_ran() -> None:
    pythons = (
        python("visit", "/box/work/h.py", 6, entry=True),
        python("each", PACKAGE, 14),
        python("<module>", "/box/work/h.py", 9, entry=True),
    )
    between = native("list_extend", PYTHON)

    assert merged(stack(EVALUATOR, OUTER, EVALUATOR, between, python=pythons), SCENE) == (
        Frame("visit", "h.py", 6, Origin.FINDER),
        Frame("brittle_sum", "lib/brittle.c", 13, Origin.SUBJECT),
        Frame("each", "brittle/__init__.py", 14, Origin.SUBJECT),
        Frame("<module>", "h.py", 9, Origin.FINDER),
        Frame("list_extend", "", None, Origin.INTERPRETER),
    )


UNREADABLE = Frame("(an interpreter's stack that could not be read)", "", None, Origin.UNKNOWN)


@pytest.mark.parametrize("pythons", [(), (python("f", PACKAGE),), (python("f", PACKAGE, entry=True),) * 2])
def test_stacks_that_do_not_fit_together_are_nobodys(pythons: tuple[PythonFrame, ...]) -> None:
    assert merged(stack(OUTER, EVALUATOR, python=pythons), SCENE) == (
        UNREADABLE,
        Frame("brittle_sum", "lib/brittle.c", 13, Origin.SUBJECT),
        Frame("_PyEval_EvalFrameDefault", "", None, Origin.INTERPRETER),
    )


@pytest.mark.parametrize(
    "other",
    [
        native("_PyEval_EvalFrameDefault", TARGET),
        native("_PyEval_Vector", PYTHON),
        native("_PyEval_EvalFrameDefault", PYTHON, kind=FrameKind.INLINE),
    ],
)
def test_only_the_interpreters_own_evaluator_is_one(other: NativeFrame) -> None:
    assert merged(stack(other), SCENE)[0] != UNREADABLE


def test_the_faulting_frame_is_the_topmost_that_can_be_to_blame() -> None:
    skipped = tuple(
        frame("f", origin=origin)
        for origin in (Origin.SANITIZER, Origin.LIBC, Origin.ALLOCATOR, Origin.INTERPRETER, Origin.SIGNAL)
    )

    assert faulting_frame(skipped) is None
    for origin in (Origin.SUBJECT, Origin.FINDER, Origin.UNPROVEN, Origin.UNKNOWN, Origin.LIBRARY):
        wanted = frame("g", origin=origin)
        assert faulting_frame((*skipped, wanted, frame("h"))) is wanted


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (None, "no frame of its stack is the subject's"),
        (frame("f", "h.c", 2, Origin.FINDER), "its faulting frame f h.c:2 is the harness's, not the subject's"),
        (frame("f", "", None, Origin.LIBRARY), "its faulting frame f is a library's, not the subject's"),
        (frame("f", "", None, Origin.UNKNOWN), "its faulting frame f is of unknown code, not the subject's"),
        (
            frame("f", "a.c", 2, Origin.UNPROVEN),
            "its faulting frame f a.c:2 could not be shown to be built from the release unchanged",
        ),
    ],
)
def test_blame_says_why_a_frame_does_not_count(fault: Frame | None, words: str) -> None:
    assert blame(fault) == words


def test_the_common_stack_is_what_all_moments_share_with_the_line_where_most_were() -> None:
    outer = (frame("loop", line=20), frame("main", "h.c", 9, Origin.FINDER))
    moments = [
        (frame("a"), frame("step", line=12), *outer),
        (frame("b"), frame("step", line=11), *outer),
        (frame("step", line=11), *outer),
    ]

    assert common_stack(moments) == (frame("step", line=11), *outer)


def test_a_moment_that_has_left_the_innermost_call_does_not_hide_it() -> None:
    outer = frame("stream")
    moments = [(frame("match"), outer), (outer,), (frame("match"), outer), (frame("other"), frame("match"), outer)]

    assert common_stack(moments) == (frame("match"), outer)


@pytest.mark.parametrize(("sharing", "found"), [(3, ("match", "stream")), (2, ("stream",))])
def test_what_no_more_than_half_share_is_not_common(sharing: int, found: tuple[str, ...]) -> None:
    moments = [(frame("match"), frame("stream"))] * sharing + [(frame("stream"),)] * 2

    assert common_stack(moments) == tuple(frame(function) for function in found)


def test_moments_that_went_another_way_are_not_asked_again() -> None:
    inner, other = frame("inner"), frame("other")
    moments = [(inner, frame("b")), (inner, frame("b")), (inner, frame("b")), (other, frame("c")), (other, frame("c"))]

    assert common_stack(moments) == (inner, frame("b"))
    assert common_stack([*moments, (inner, frame("c"))]) == moments[0]


def test_a_deeper_stack_that_went_another_way_is_no_matter() -> None:
    inner, other = frame("inner"), frame("other")
    deep = (*[frame("down")] * 5, other)

    assert common_stack([(inner,), (inner,), deep]) == (inner,)
    assert common_stack([deep, (inner,), (inner,)]) == (inner,)


@given(
    st.lists(
        st.lists(st.sampled_from([frame("a"), frame("b"), frame("a", line=6)]), min_size=1, max_size=5),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_common_is_the_outer_part_of_most_stacks(stacks: list[list[Frame]]) -> None:
    moments = [tuple(frames) for frames in stacks]
    common = tuple(each.function for each in common_stack(moments))
    outer = [tuple(each.function for each in frames)[-len(common) :] for frames in moments]

    assert outer.count(common) * 2 > len(moments) or common_stack(moments) == moments[0]


def test_what_lies_inside_the_innermost_common_subject_frame_falls_away() -> None:
    inner = frame("match", "", None, Origin.INTERPRETER)
    moments = [(inner, frame("loop", line=20)), (inner, frame("loop", line=20))]

    assert common_stack(moments) == (frame("loop", line=20),)


def test_frames_differ_by_file_and_origin_too() -> None:
    first, second = frame("f", "a.c", 1), frame("f", "b.c", 1)

    assert common_stack([(first,), (second,)]) == (first,)
    third = replace(first, origin=Origin.FINDER)
    assert common_stack([(frame("x"), first), (third,)]) == (frame("x"), first)


def test_reports_name_frames_as_the_contract_writes_them() -> None:
    assert GENERIC.function.startswith("__asan::")
    assert [frame("f").text, frame("f", line=None).text, frame("f", "", 5).text] == [
        "f lib/brittle.c:5",
        "f lib/brittle.c",
        "f",
    ]
    assert MODULES[TARGET].is_intact
