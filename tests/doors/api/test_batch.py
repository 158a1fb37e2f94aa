from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.doors import limits
from leadtime.doors.api.batch import answer_lines, lines_of
from leadtime.doors.problems import TooLarge

SECONDS_MAX = 2
"""Of processor time; its square would take ten times that."""


async def _stream(pieces):
    for piece in pieces:
        yield piece


async def _all(stream):
    return [item async for item in stream]


@given(st.lists(st.binary(max_size=6).map(lambda piece: piece.replace(b"\r", b"\n"))))
def test_lines_do_not_depend_on_how_the_stream_is_cut(pieces):
    whole = b"".join(pieces)
    expected = whole.split(b"\n")
    expected = expected[:-1] if not expected[-1] else expected
    assert asyncio.run(_all(lines_of(_stream(pieces)))) == expected


def test_a_line_beyond_its_bound_ends_the_batch_with_a_problem(monkeypatch):
    monkeypatch.setattr(limits, "REPORT_BYTES_MAX", 10)
    told = asyncio.run(
        _all(answer_lines(_stream([b"{}\n", b"x" * 11]), lambda lines: [{"line": line.number} for line in lines]))
    )
    lines = [json.loads(line) for line in b"".join(told).splitlines()]
    assert lines[0] == {"line": 1}
    assert lines[1]["line"] == 2
    assert lines[1]["problem"]["detail"] == "a line has more than 10 bytes"


def test_more_lines_than_a_batch_has_are_not_read(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_LINES_MAX", 2)
    with pytest.raises(TooLarge, match="a batch has at most 2 lines"):
        asyncio.run(_all(lines_of(_stream([b"1\n2\n3\n"]))))


def test_answers_wait_while_the_client_only_sends():
    sent_before_reading = []

    async def pieces():
        for number in range(300):
            sent_before_reading.append(number)
            yield b"{}\n"

    def padded(lines):
        return [{"line": line.number, "padding": "x" * 10_000} for line in lines]

    async def read_nothing_first():
        answers = answer_lines(pieces(), padded)
        first = await anext(answers)
        while len(sent_before_reading) < 300:  # noqa: ASYNC110  # lets the reading go on
            await asyncio.sleep(0)
        return first + b"".join([piece async for piece in answers])

    told = asyncio.run(read_nothing_first())
    assert [json.loads(line)["line"] for line in told.splitlines()] == list(range(1, 301))


def test_hostile_characters_in_answers_are_spelled_out():
    told = asyncio.run(_all(answer_lines(_stream([b"x"]), lambda lines: [{"where": "\u202e"} for _ in lines])))
    assert json.loads(b"".join(told)) == {"where": "⟨U+202E⟩"}


def test_a_long_line_in_small_pieces_costs_its_length_and_not_its_square():
    pieces = [b"a" * 256] * (4 << 12)
    began = time.process_time()

    (line,) = asyncio.run(_all(lines_of(_stream(pieces))))

    assert len(line) == 4 << 20
    assert time.process_time() - began < SECONDS_MAX


def test_what_comes_while_others_are_answered_is_answered_together():
    together = []

    async def pieces():
        yield b"".join(b"%d\n" % number for number in range(700))

    def answer(lines):
        together.append(len(lines))
        return [{"line": line.number} for line in lines]

    told = asyncio.run(_all(answer_lines(pieces(), answer)))
    assert [json.loads(line)["line"] for line in b"".join(told).splitlines()] == list(range(1, 701))
    assert len(together) < 10
    assert max(together) <= limits.TOGETHER_REPORTS_MAX


def test_large_lines_are_not_held_in_numbers(monkeypatch):
    monkeypatch.setattr(limits, "TOGETHER_BYTES_MAX", 100)
    together = []

    def answer(lines):
        together.append(sum(len(line.content) for line in lines))
        return [{} for _ in lines]

    asyncio.run(_all(answer_lines(_stream([b"x" * 60 + b"\n"] * 20), answer)))
    assert sum(together) == 20 * 60
    assert max(together) < 100 + 60


def test_a_client_that_leaves_stops_the_reading_and_keeps_what_was_answered():
    answered = []

    async def pieces():
        yield b"1\n2\n"
        raise ConnectionResetError

    def answer(lines):
        answered.extend(line.number for line in lines)
        return [{"line": line.number} for line in lines]

    async def read():
        told = []
        answers = answer_lines(pieces(), answer)
        with contextlib.suppress(ConnectionResetError):
            while True:
                told.append(await anext(answers))
        return b"".join(told)

    assert [json.loads(line)["line"] for line in asyncio.run(read()).splitlines()] == [1, 2]
    assert answered == [1, 2]


def test_a_reader_that_stops_ends_the_reading():
    async def endless():
        while True:
            yield b"x\n"
            await asyncio.sleep(0)

    async def read_one():
        answers = answer_lines(endless(), lambda lines: [{"line": line.number} for line in lines])
        first = await anext(answers)
        await answers.aclose()
        await asyncio.sleep(0)
        return first, [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    first, left = asyncio.run(read_one())
    assert json.loads(first.splitlines()[0]) == {"line": 1}
    assert all(task.done() or task.cancelling() for task in left)
