"""What a validation wrote of a stack, read back into what merging compares."""

from __future__ import annotations

import pytest

from leadtime.flow.merging import Frame
from leadtime.workflows.evidence import read_frame


@pytest.mark.parametrize(
    ("written", "frame"),
    [
        ("encode lib/ultrajsonenc.c:682", Frame("encode", "lib/ultrajsonenc.c", 682)),
        ("get_tokens pygments/lexer.py", Frame("get_tokens", "pygments/lexer.py")),
        ("decode libimaging.so", Frame("decode", "libimaging.so")),
        ("ns::T::operator unsigned short a.cc:3", Frame("ns::T::operator unsigned short", "a.cc", 3)),
        ("ns::T::operator unsigned short", Frame("ns::T::operator unsigned short")),
        ("ns::f ns::g", Frame("ns::f ns::g")),
        ("encode", Frame("encode")),
    ],
)
def test_a_frame_is_read_as_far_as_it_is_known(written, frame):
    assert read_frame(written) == frame
    assert frame.text == written
