from __future__ import annotations

import asyncio
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
