from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadtime.sandbox.capture import Capture


def captured(pieces: list[bytes], head_bytes: int, tail_bytes: int) -> Capture:
    capture = Capture(head_bytes, tail_bytes)
    for piece in pieces:
        capture.feed(piece)
    return capture


def test_a_short_output_is_kept_whole() -> None:
    assert captured([b"abc", b"def"], 4, 2).kept() == b"abcdef"


def test_of_a_long_output_head_and_tail_are_kept_and_the_gap_is_told() -> None:
    assert captured([b"abc", b"defg"], 4, 2).kept() == b"abcd\n[... 1 bytes left out ...]\nfg"


def test_without_a_tail_only_the_head_is_kept() -> None:
    assert captured([b"abcdef"], 4, 0).kept() == b"abcd\n[... 2 bytes left out ...]\n"


@given(st.lists(st.binary(max_size=20), max_size=20), st.integers(0, 30), st.integers(0, 30))
def test_how_an_output_is_cut_into_pieces_does_not_matter(pieces: list[bytes], head: int, tail: int) -> None:
    whole = b"".join(pieces)
    capture = captured(pieces, head, tail)
    assert capture.total_bytes == len(whole)
    assert capture.kept() == captured([whole], head, tail).kept()
    if len(whole) <= head + tail:
        assert capture.kept() == whole
    else:
        assert capture.kept().startswith(whole[:head])
        assert capture.kept().endswith(whole[len(whole) - tail :])
