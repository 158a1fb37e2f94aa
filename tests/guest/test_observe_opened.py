"""What a program opens counts as brought into it, unless nobody in the box can have written it or nothing is read."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "guest"))

from observe_opened import Opening, opening
from observe_stack import is_own_place

OPEN, CREAT, OPENAT, OPENAT2, CLOSE = 2, 85, 257, 437, 3
FAILED = (1 << 64) - 2
HERE = 0xFFFFFF9C
"""AT_FDCWD as a thread passes it."""


@pytest.fixture
def opened() -> Iterator[list[int]]:
    """Descriptors that are closed afterwards."""
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def stop(name: str, answer: int, flags: int = os.O_RDONLY, call: int = OPENAT) -> tuple[tuple[int, ...], object]:
    """Return a thread's registers at the end of a call, and what keeps the name where they point to."""
    text = ctypes.create_string_buffer(os.fsencode(name))
    registers = [0] * 27
    registers[15], registers[10] = call, answer
    given = [ctypes.addressof(text), flags] if call in (OPEN, CREAT) else [HERE, ctypes.addressof(text), flags]
    for place, value in zip((14, 13, 12), given, strict=False):
        registers[place] = value
    return tuple(registers), text


def seen(
    name: str, opened: list[int], flags: int = os.O_RDONLY, *, call: int = OPENAT, claimed: str = ""
) -> Opening | None:
    """Return what is seen of a file that this very process opens, by another name if one is claimed."""
    opened.append(os.open(name, flags, 0o600))
    registers, text = stop(claimed or name, opened[-1], flags, call)
    found = opening(os.getpid(), registers)
    del text
    return found


@pytest.mark.parametrize("call", [OPEN, OPENAT, OPENAT2])
def test_a_file_of_anybodys_counts_wherever_it_lies(call: int, tmp_path: Path, opened: list[int]) -> None:
    (tmp_path / "x.pth").write_text("import os\n")

    found = seen(str(tmp_path / "x.pth"), opened, call=call)

    assert found == Opening(f"/proc/{os.getpid()}/fd/{opened[0]}", is_given=False)


def test_what_is_the_systems_does_not_count_nor_a_directory_nor_a_harmless_device(
    tmp_path: Path, opened: list[int]
) -> None:
    assert [seen(name, opened) for name in ("/usr/bin/env", "/dev/null", str(tmp_path))] == [None] * 3


def test_a_name_that_no_longer_leads_to_what_was_opened_is_not_believed(tmp_path: Path, opened: list[int]) -> None:
    target = tmp_path / "x.pth"
    target.touch()

    assert seen(str(target), opened, claimed="/usr/bin/env") is not None
    descriptor = os.open(target, os.O_RDONLY)
    opened.append(descriptor)
    target.unlink()
    registers, text = stop(str(target), descriptor)
    assert opening(os.getpid(), registers) == Opening(f"/proc/{os.getpid()}/fd/{descriptor}", is_given=False)
    del text


def test_what_the_kernel_tells_of_processes_is_given(opened: list[int]) -> None:
    found = seen("/proc/self/environ", opened)

    assert found is not None
    assert found.is_given


def test_what_cannot_be_looked_at_any_more_counts(tmp_path: Path) -> None:
    registers, text = stop(str(tmp_path), 4_000_000)

    assert opening(os.getpid(), registers) == Opening(f"/proc/{os.getpid()}/fd/4000000", is_given=False)
    del text


@pytest.mark.parametrize(
    ("flags", "counts"),
    [
        (os.O_WRONLY | os.O_CREAT, False),
        (os.O_RDWR | os.O_CREAT | os.O_EXCL, False),
        (os.O_RDWR | os.O_CREAT, True),
    ],
)
def test_a_new_file_and_one_that_is_only_written_hold_nothing_of_others(
    flags: int,
    counts: bool,  # noqa: FBT001
    tmp_path: Path,
    opened: list[int],
) -> None:
    assert (seen(str(tmp_path / "out"), opened, flags) is not None) is counts


@pytest.mark.parametrize(("call", "answer"), [(CLOSE, 0), (OPENAT, FAILED), (OPEN, FAILED), (CREAT, 4_000_000)])
def test_a_call_that_opens_nothing_to_read_does_not_count(call: int, answer: int) -> None:
    registers, text = stop("/nowhere", answer, call=call)

    assert opening(os.getpid(), registers) is None
    del text


@pytest.mark.parametrize(
    ("place", "own"),
    [
        ("/usr/lib/x.so", True),
        ("/tmp/usr/x.so", False),
        ("/dev/shm/x", False),
        ("/memfd:x (deleted)", False),
        ("", False),
    ],
)
def test_only_the_systems_places_are_its_own(place: str, own: bool) -> None:  # noqa: FBT001
    assert is_own_place(place) is own
