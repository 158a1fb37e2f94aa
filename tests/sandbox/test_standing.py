"""A box ends once, whoever has heard of its end before."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

from leadtime.sandbox.standing import StandingBox


def test_a_box_that_has_been_waited_for_ends_without_a_fault() -> None:
    with subprocess.Popen(["true"]) as bubblewrap:
        bubblewrap.wait()
        box = SimpleNamespace(bubblewrap=bubblewrap)
        StandingBox._wait(box)  # type: ignore[arg-type]  # all that it needs
        assert bubblewrap.returncode == 0
