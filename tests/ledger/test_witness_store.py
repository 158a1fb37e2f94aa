from __future__ import annotations

import threading

import pytest

from leadtime.foundation.errors import Conflict, Malformed
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.tree import EMPTY_ROOT
from leadtime.ledger.witness import Seen
from leadtime.ledger.witness_memory import FileMemory

ORIGIN = "example.org/a/b"


@pytest.fixture
def memory(tmp_path):
    return FileMemory(FileDisk(tmp_path / "witness", mode=0o600))


def test_it_remembers_each_log_for_itself_and_across_restarts(memory, tmp_path):
    assert memory.latest(ORIGIN) == Seen(0, EMPTY_ROOT)
    memory.advance(ORIGIN, known=Seen(0, EMPTY_ROOT), to=Seen(5, b"r" * 32))
    assert memory.latest(ORIGIN) == Seen(5, b"r" * 32)
    assert memory.latest("example.org/a") == Seen(0, EMPTY_ROOT)
    again = FileMemory(FileDisk(tmp_path / "witness", mode=0o600))
    assert again.latest(ORIGIN) == Seen(5, b"r" * 32)


def test_what_is_not_known_any_more_is_not_replaced(memory):
    memory.advance(ORIGIN, known=Seen(0, EMPTY_ROOT), to=Seen(5, b"r" * 32))
    for known in (Seen(0, EMPTY_ROOT), Seen(5, b"x" * 32)):
        with pytest.raises(Conflict, match="another checkpoint was cosigned meanwhile"):
            memory.advance(ORIGIN, known=known, to=Seen(9, b"q" * 32))
    assert memory.latest(ORIGIN) == Seen(5, b"r" * 32)


def test_a_damaged_file_is_not_taken_for_an_unknown_log(memory, tmp_path):
    memory.advance(ORIGIN, known=Seen(0, EMPTY_ROOT), to=Seen(5, b"r" * 32))
    (path,) = [each for each in (tmp_path / "witness").iterdir() if each.is_file() and each.suffix != ".lock"]
    path.write_bytes(b"")
    with pytest.raises(Malformed):
        memory.latest(ORIGIN)
    path.write_bytes(b"example.org/c\n5\n" + path.read_bytes())
    with pytest.raises(Malformed):
        memory.latest(ORIGIN)


def test_of_several_at_once_one_wins(memory):
    won, barrier = [], threading.Barrier(8)

    def advance(number):
        barrier.wait()
        try:
            memory.advance(ORIGIN, known=Seen(0, EMPTY_ROOT), to=Seen(number, bytes([number]) * 32))
        except Conflict:
            return
        won.append(number)

    threads = [threading.Thread(target=advance, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert memory.latest(ORIGIN).size == won[0]
