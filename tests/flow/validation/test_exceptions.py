"""Exceptions that the subject really raises and nothing catches, however they come to the surface."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import FixedWord, Harness, Judged, Showing, Word
from tests.flow.validation.brittle import Trial, verdict_on
from tests.flow.validation.uncaught import LIMITS, shown_by

pytestmark = pytest.mark.sandbox

HONEST: dict[str, tuple[str, str]] = {
    "raised by a statement": ("brittle.parse('!')\n", "ValueError in parse"),
    "raised by an instruction": ("brittle.pick('x')\n", "IndexError in pick"),
    "raised while another is handled": ("brittle.number('x')\n", "brittle.BrittleError in number"),
    "raised in the standard library that the subject calls": (
        "brittle.decode('{')\n",
        "json.decoder.JSONDecodeError in decode",
    ),
    "called by the interpreter": ("list(map(brittle.parse, ['x', '!']))\n", "ValueError in parse"),
    "called by the standard library": (
        "import functools\nfunctools.singledispatch(brittle.parse)('!')\n",
        "ValueError in parse",
    ),
    "passed on by the harness's finally": (
        "try:\n    brittle.parse('!')\nfinally:\n    {}.get('done')\n",
        "ValueError in parse",
    ),
    "passed on by a finally in which others are raised and caught": (
        (
            "try:\n    brittle.parse('!')\nfinally:\n    try:\n        {}['x']\n    except KeyError:\n"
            "        brittle.try_out('!')\n"
        ),
        "ValueError in parse",
    ),
    "passed on by the harness's with and except": (
        (
            "import contextlib\ndef run():\n"
            "    with contextlib.suppress(KeyError), open('/dev/null'):\n        brittle.parse('!')\n"
            "try:\n    run()\nexcept ValueError:\n    raise\n"
        ),
        "ValueError in parse",
    ),
    "passed on by the subject's own finally": (
        "brittle.guard('!', brittle.parse)\n",
        "ValueError in parse",
    ),
    "raised after others were caught": (
        (
            "for text in ('!', '!'):\n    try:\n        brittle.parse(text)\n    except ValueError:\n"
            "        pass\nbrittle.parse('!')\n"
        ),
        "ValueError in parse",
    ),
    "raised while objects are alive that are put away": (
        (
            "def run():\n    letters, file = brittle.letters('abc'), open('/dev/null')\n    next(letters)\n"
            "    for letter in brittle.letters('!'):\n        brittle.parse(letter)\nrun()\n"
        ),
        "ValueError in parse",
    ),
    "recursion without end": (
        "brittle.descend(-1)\n",
        "RecursionError in descend",
    ),
    "of a class that the harness brought": (
        "class ValueError(Exception):\n    pass\nbrittle.complain(ValueError)\n",
        "__main__.ValueError in complain",
    ),
    "raised by a function of the interpreter's that the harness handed in": (
        "brittle.each('x', int)\n",
        "ValueError in each.<locals>.<listcomp>",
    ),
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """Return what each harness shows."""
    return shown_by({name: text for name, (text, _) in HONEST.items()}, tmp_path_factory.mktemp("honest"))


@pytest.mark.parametrize("name", HONEST)
def test_a_real_exception_is_shown(name: str, shown: dict[str, Judged]) -> None:
    judged, expected = shown[name], HONEST[name][1]

    assert judged.showing is Showing.HIT, judged.reason
    assert judged.reason.startswith(f"{expected} brittle/__init__.py:")
    assert judged.crash is not None
    assert judged.crash.crash_class == expected.split()[0]


def test_the_fixed_release_is_clean_where_the_other_fails(tmp_path: Path) -> None:
    trial = Trial(
        files={"harness.py": "import sys, brittle\nbrittle.parse(open(sys.argv[1]).read())\n"},
        build=("cp -r {src}/brittle .",),
        run="{python} harness.py {input}",
        oracle="exception",
        control="all is well",
        fixed="1.1",
        limits=LIMITS,
    )

    verdict = verdict_on(trial, tmp_path)

    assert verdict.word is Word.REPRODUCED, verdict.reason
    assert verdict.reason.startswith("ValueError in parse brittle/__init__.py:")
    assert (verdict.fixed.word, verdict.fixed.reason) == (FixedWord.CLEAN, "nothing was seen")
    assert verdict.harness is Harness.FINDER
