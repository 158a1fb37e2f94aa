"""A run in a process of its own: what it is given, what is believed of its answer, and that it ends with its worker."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation import Begun, Outcome
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.workflows import proving
from leadtime.workflows.proving import prove, read_outcome

RECIPE = b'{"schema":"leadtime.recipe/1"}'
REPRODUCER = Reproducer(
    recipe=RECIPE, files=(NamedFile("src/run.c", b"int main;"),), input=NamedFile("in/a.bin", b"\x00\xff")
)
BEGUN = Begun(UUID(int=1), UUID(int=2), 1, REPRODUCER)
CRASH = {"class": "SEGV", "signature": "sha256:1", "subject_frames": ["leaf leaf.c:1"], "access": ""}
REPRODUCED = {"verdict": "reproduced", "crash": CRASH}
GONE_SECONDS_MAX = 20


@pytest.fixture
def settings(home):
    return read_settings({"LEADTIME_HOME": str(home)})


def validate_is(monkeypatch, script: str) -> None:
    """Let ``leadtime validate`` be ``script``; it finds RECIPE's and the input's paths in ``sys.argv[2::2]``."""
    monkeypatch.setattr(proving, "VALIDATE", ("-c", f"import sys, os, json\n{script}"))


def answer_of(monkeypatch, settings, script: str) -> dict:
    """Return what ``script``, which prints an answer, lets the run come to."""
    validate_is(monkeypatch, script)
    return json.loads(prove(settings, BEGUN, threading.Event()).result)


def test_the_run_finds_the_reproducer_in_a_private_folder_that_is_gone_afterwards(monkeypatch, settings):
    told = answer_of(
        monkeypatch,
        settings,
        """
recipe, given = sys.argv[2], sys.argv[4]
here = os.path.dirname(recipe)
print(json.dumps({"verdict": "not_reproduced", "here": here, "mode": os.stat(here).st_mode, "cwd": os.getcwd(),
    "recipe": open(recipe).read(), "input": open(given, "rb").read().hex(), "file": open(here + "/src/run.c").read()}))
sys.exit(3)""",
    )

    assert told["cwd"] == told["here"]
    assert Path(told["here"]).parent == settings.home / "running"
    assert (stat.S_IMODE(told["mode"]), told["recipe"].encode()) == (0o700, RECIPE)
    assert (told["input"], told["file"]) == ("00ff", "int main;")
    assert list((settings.home / "running").iterdir()) == []


def test_the_run_gets_neither_secrets_nor_open_files(monkeypatch, settings):
    for name in ("LEADTIME_TOKEN", "LEADTIME_DATABASE_URL", "PGPASSWORD", "SOME_SECRET"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/etc/pip.conf")
    told = answer_of(
        monkeypatch,
        settings,
        """
files = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]
print(json.dumps({"verdict": "inconclusive", "environment": dict(os.environ), "files": files}))
sys.exit(4)""",
    )

    assert "secret" not in told["environment"].values()
    assert told["environment"]["LEADTIME_HOME"] == str(settings.home)
    assert told["environment"]["PIP_CONFIG_FILE"] == "/etc/pip.conf"
    assert [file for file in told["files"] if "socket" in file or ".lock" in file] == []


@pytest.mark.parametrize(
    ("code", "answer", "outcome"),
    [
        (0, REPRODUCED, Outcome("reproduced", "sha256:1", b"")),
        (3, {"verdict": "not_reproduced", "crash": None}, Outcome("not_reproduced", None, b"")),
        (3, {"verdict": "harness_fault", "crash": CRASH}, Outcome("harness_fault", None, b"")),
        (4, {"verdict": "inconclusive"}, Outcome("inconclusive", None, b"")),
    ],
)
def test_a_verdict_is_kept_whole(monkeypatch, settings, code, answer, outcome):
    validate_is(monkeypatch, f"print(json.dumps({answer!r})); sys.exit({code})")

    found = prove(settings, BEGUN, threading.Event())

    assert (found.verdict, found.signature) == (outcome.verdict, outcome.signature)
    assert json.loads(found.result) == answer


def test_a_recipe_that_is_refused_is_decided_with_the_sentence(monkeypatch, settings):
    validate_is(
        monkeypatch, "print('other', file=sys.stderr); print('run: no such thing', file=sys.stderr); sys.exit(2)"
    )

    found = prove(settings, BEGUN, threading.Event())

    assert (found.verdict, found.signature) == ("inconclusive", None)
    assert json.loads(found.result) == {
        "verdict": "inconclusive",
        "reason": "run: no such thing",
        "crash": None,
        "fixed": None,
        "evidence": [],
    }


def test_a_report_without_a_reproducer_is_decided_without_a_run(monkeypatch, settings):
    validate_is(monkeypatch, "raise SystemExit(9)")

    found = prove(settings, Begun(UUID(int=1), UUID(int=2), 1, None), threading.Event())

    assert json.loads(found.result)["reason"] == "the report carries no reproducer"


@pytest.mark.parametrize("code", [1, 5, 139])
def test_a_run_that_did_not_come_to_a_verdict_is_tried_again(monkeypatch, settings, code):
    validate_is(monkeypatch, f"sys.exit({code})")

    with pytest.raises(Unavailable, match="the run ended without a verdict: it said nothing"):
        prove(settings, BEGUN, threading.Event())

    assert list((settings.home / "running").iterdir()) == []


def test_a_run_is_given_up_when_the_worker_is_to_stop(monkeypatch, settings):
    validate_is(monkeypatch, "import time; time.sleep(600)")
    stopping = threading.Event()
    stopping.set()

    with pytest.raises(Unavailable, match="the worker is stopping"):
        prove(settings, BEGUN, stopping)


def test_a_run_that_ignores_being_asked_is_killed_at_its_bound(monkeypatch, settings):
    ready = settings.home / "ready"
    validate_is(
        monkeypatch,
        f"import time, signal; signal.signal(15, signal.SIG_IGN); open({str(ready)!r}, 'w'); time.sleep(600)",
    )
    monkeypatch.setattr(proving, "RUN_SECONDS_MAX", 2)
    monkeypatch.setattr(proving, "STOP_SECONDS_MAX", 0.2)

    with pytest.raises(Unavailable, match="a validation took more than 2 s"):
        prove(settings, BEGUN, threading.Event())

    assert ready.exists()


def test_a_run_dies_with_its_worker_and_the_next_removes_what_it_left(monkeypatch, settings, tmp_path):
    note = tmp_path / "pid"
    run = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    worker = (
        "import sys, threading; from tests.workflows.test_proving import BEGUN, proving, read_settings;"
        f"proving.VALIDATE = ('-c', {run!r});"
        f"proving.prove(read_settings({{'LEADTIME_HOME': {str(settings.home)!r}}}), BEGUN, threading.Event())"
    )
    process = subprocess.Popen([sys.executable, "-c", worker], cwd=Path(__file__).parents[2])
    end = time.monotonic() + GONE_SECONDS_MAX
    while not (note.exists() and note.read_text()):
        assert process.poll() is None
        assert time.monotonic() < end
    process.send_signal(signal.SIGKILL)
    process.wait()
    while Path("/proc", note.read_text()).exists() and _state(note.read_text()) != "Z":
        assert time.monotonic() < end
    (abandoned,) = (settings.home / "running").iterdir()

    validate_is(monkeypatch, "print(json.dumps({'verdict': 'not_reproduced'})); sys.exit(3)")
    prove(settings, BEGUN, threading.Event())

    assert not abandoned.exists()


def _state(pid: str) -> str:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return "Z"


def test_the_folder_of_a_run_that_goes_on_is_left_alone(monkeypatch, settings):
    with proving._folder(settings, REPRODUCER) as mine:
        validate_is(monkeypatch, "print(json.dumps({'verdict': 'not_reproduced'})); sys.exit(3)")
        prove(settings, BEGUN, threading.Event())
        assert (mine / "recipe.json").read_bytes() == RECIPE
    assert not mine.exists()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"verdict": "fine"}',
        b'{"verdict": ["reproduced"]}',
        b'{"verdict": "reproduced"}',
        json.dumps(REPRODUCED | {"crash": CRASH | {"class": ""}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"signature": 7}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"subject_frames": []}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"subject_frames": [7]}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"subject_frames": [""]}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"subject_frames": "leaf"}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"subject_frames": ["f"] * 10_001}}).encode(),
        json.dumps(REPRODUCED | {"crash": CRASH | {"subject_frames": ["f" * 5001]}}).encode(),
        b'{"verdict": "inconclusive", "x": "' + b"x" * (16 << 20) + b'"}',
        b'{"verdict": "inconclusive", "verdict": "reproduced"}',
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(answer):
    with pytest.raises(Malformed):
        read_outcome(answer)


def test_the_largest_answer_that_can_be_meant_is_read():
    crash = CRASH | {"subject_frames": ["f" * 5000] + ["g"] * 9_999}

    assert read_outcome(json.dumps(REPRODUCED | {"crash": crash}).encode()).verdict == "reproduced"


@given(
    st.binary(max_size=200) | st.recursive(st.text() | st.none() | st.integers(), st.lists).map(repr).map(str.encode)
)
def test_no_answer_makes_anything_but_an_outcome_or_a_refusal(answer):
    with suppress(Malformed):
        assert read_outcome(answer).verdict in proving.WORDS


def test_what_the_machine_says_of_registries_is_passed_on():
    given_ = {"PIP_INDEX_URL": "a", "npm_config_registry": "b", "HTTPS_PROXY": "c", "AWS_SECRET": "d", "PATH": "e"}

    kept = proving._environment(read_settings({"LEADTIME_HOME": "/h"}), given_)

    assert kept == {
        "PIP_INDEX_URL": "a",
        "npm_config_registry": "b",
        "HTTPS_PROXY": "c",
        "PATH": "e",
        "LEADTIME_HOME": "/h",
    }
    assert os.environ.get("PATH")
