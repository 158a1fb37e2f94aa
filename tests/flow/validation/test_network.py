"""A verdict says who tried the network, while something was built and while it was run."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation import as_json
from leadtime.flow.validation.records import Word
from tests.flow.validation.brittle import Trial, verdict_on

pytestmark = pytest.mark.sandbox

ASKS = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect_ex(('9.9.9.9', 53))"
SENDS = "import socket; socket.socket(socket.AF_INET6).connect_ex(('2001:db8::1', 443))"
WHISPERS = "import socket; socket.socket(socket.AF_UNIX).connect_ex('\\0name')"


def rows(verdict: object, member: str) -> list[dict[str, object]]:
    found = as_json(verdict)[member]  # type: ignore[arg-type]
    assert isinstance(found, list)
    return [row for row in found if row["call"] != "socket"]


def test_a_build_and_a_run_that_try_the_network_are_told(tmp_path: Path) -> None:
    trial = Trial(build=(f'{{python}} -c "{ASKS}"',), run=f'{{python}} -c "{SENDS}; {WHISPERS}"')

    verdict = verdict_on(trial, tmp_path)
    again = verdict_on(trial, tmp_path)

    assert verdict.word is Word.NOT_REPRODUCED
    asked = {"during": "build", "call": "connect", "transport": "udp", "family": "inet", "address": "9.9.9.9"}
    sent = {"during": "run", "call": "connect", "transport": "tcp", "family": "inet6", "address": "2001:db8::1"}
    whispered = {"during": "run", "call": "connect", "transport": "", "family": "abstract", "address": "name"}
    assert rows(verdict, "network") == [
        {**asked, "port": 53, "times": 1, "dns": True},
        {**sent, "port": 443, "times": 1, "dns": False},
    ]
    assert rows(verdict, "local_sockets") == [{**whispered, "port": 0, "times": 1, "dns": False}]
    assert again.network == verdict.network, "a build that is kept keeps what it tried"


def test_a_build_that_fails_for_want_of_the_network_is_told(tmp_path: Path) -> None:
    verdict = verdict_on(Trial(build=(f'{{python}} -c "{ASKS}"; exit 3',)), tmp_path)

    assert (verdict.word, verdict.reason) == (
        Word.INCONCLUSIVE,
        "the build of pkg:pypi/brittle@1.0 failed with exit code 3",
    )
    assert [(row["during"], row["dns"]) for row in rows(verdict, "network")] == [("build", True)]
