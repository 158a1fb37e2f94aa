"""A process's memory as it was: a saved piece of it over what is there now."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "guest"))

from observe_memory import Memory, Past

NOW = bytes(range(100, 120))
SAVED = b"was!"
AT = 8


@pytest.mark.parametrize(
    ("start", "size"),
    [(0, 8), (0, 9), (0, 12), (0, 13), (0, 20), (7, 1), (8, 4), (9, 2), (8, 5), (11, 2), (12, 4), (12, 1), (0, 0)],
)
def test_the_saved_piece_hides_what_is_there_now(start: int, size: int) -> None:
    held = ctypes.create_string_buffer(NOW, len(NOW))
    now = Memory(os.getpid(), mapped=False)
    past = Past(now, ctypes.addressof(held) + AT, SAVED)
    expected = NOW[:AT] + SAVED + NOW[AT + len(SAVED) :]

    assert past.read(ctypes.addressof(held) + start, size) == expected[start : start + size]
    assert now.read(ctypes.addressof(held) + start, size) == NOW[start : start + size]
    now.close()


def test_what_is_gone_before_the_saved_piece_is_empty() -> None:
    now = Memory(os.getpid(), mapped=False)

    assert Past(now, 64, SAVED).read(60, 8) == b"\0\0\0\0was!"
    assert Past(now, 64, SAVED).read(64, 8) == b"was!"
    now.close()
