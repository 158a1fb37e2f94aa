"""Who seems to have called a runtime through a pointer may not have called it at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.oracles.sanitizer import doubt_of_jump
from leadtime.flow.validation.stacks.records import NativeFrame
from tests.flow.validation.seen import DIE, EVALUATOR, FINDERS, LIBC, SCENE, SUBJECT, asan, native, stack

COPY = asan("__interceptor_memcpy")
JUMPED = replace(SUBJECT, calls="")
DOUBT = "it went there through a pointer, which its harness may have set"


@pytest.mark.parametrize(
    ("frames", "doubt"),
    [
        ((DIE, COPY, JUMPED, FINDERS), DOUBT),
        ((DIE, COPY, SUBJECT, FINDERS), ""),
        ((DIE, COPY, replace(SUBJECT, calls="??")), ""),
        ((DIE, COPY, native("qsort", LIBC), JUMPED), ""),
        ((DIE, asan("__interceptor_free"), JUMPED), ""),
        ((DIE, asan("__interceptor_malloc"), JUMPED), ""),
        ((DIE, asan("operator delete(void*)"), JUMPED), ""),
        ((DIE, asan("operator delegate"), JUMPED), DOUBT),
        ((JUMPED, FINDERS), ""),
        ((DIE, COPY), ""),
        ((DIE, COPY, EVALUATOR, JUMPED), ""),
        ((DIE, COPY, replace(FINDERS, calls=""), SUBJECT), DOUBT),
    ],
)
def test_a_runtime_is_called_by_name_or_nobody_is_known_to_have_called_it(
    frames: tuple[NativeFrame, ...], doubt: str
) -> None:
    assert doubt_of_jump(stack(*frames), SCENE) == doubt
