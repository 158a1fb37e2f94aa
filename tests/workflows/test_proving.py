"""A run in a process of its own: what it is given, what is believed of its answer, and that it ends with its worker."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation import Begun, Outcome
from leadtime.foundation.errors import Malformed, Refused, Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.workflows import prove_apart, proving
from leadtime.workflows.prove_apart import as_message, read_message
from leadtime.workflows.proving import prove, read_outcome

RECIPE = b'{"schema":"leadtime.recipe/1"}'
REPRODUCER = Reproducer(
    recipe=RECIPE, files=(NamedFile("src/run.c", b"int main;"),), input=NamedFile("in/a.bin", b"\x00\xff")
)
BEGUN = Begun(UUID(int=1), UUID(int=2), 1, REPRODUCER)
CRASH = {"class": "SEGV", "signature": "sha256:1", "subject_frames": ["leaf leaf.c:1"], "access": ""}
REPRODUCED = {"verdict": "reproduced", "crash": CRASH}


@pytest.fixture
def settings(home):
    return read_settings({"LEADTIME_HOME": str(home)})


def run_is(monkeypatch, script: str) -> None:
    """Let the process that proves run ``script``; the reproducer is its standard input."""
    monkeypatch.setattr(proving, "APART", f"import sys, os, json\n{script}")


def answer_of(monkeypatch, settings, script: str) -> dict:
    """Return what ``script``, which prints an answer, lets the run come to."""
    run_is(monkeypatch, script)
    return json.loads(prove(settings, BEGUN, threading.Event()).result)


def test_the_run_gets_the_reproducer_through_a_pipe_and_nothing_of_it_is_on_disk(monkeypatch, settings):
    told = answer_of(
        monkeypatch,
        settings,
        """
here = os.listdir("/proc/self/fd")
places = sorted({os.readlink(f"/proc/self/fd/{n}") for n in "012"})
print(json.dumps({"verdict": "not_reproduced", "given": sys.stdin.read(), "cwd": os.getcwd(), "path": sys.path,
    "places": places}))""",
    )

    assert read_message(told["given"].encode()) == REPRODUCER
    assert told["places"] == [f"/memfd:{name} (deleted)" for name in ("answer", "errors", "message")]
    assert list(settings.home.iterdir()) == []


def test_no_module_of_a_report_or_of_a_working_directory_is_imported(monkeypatch, settings, tmp_path):
    marker = tmp_path / "marker"
    for name in ("leadtime", "click", "json", "sitecustomize"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"open({str(marker)!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hostile = tuple(NamedFile(f"{name}/__init__.py", b"raise SystemExit(77)") for name in ("leadtime", "click"))
    begun = Begun(UUID(int=1), UUID(int=2), 1, Reproducer(RECIPE, hostile, NamedFile("i", b"")))

    found = prove(settings, begun, threading.Event())

    assert found.verdict == "inconclusive"
    assert json.loads(found.result)["reason"].startswith("$.subject: ")
    assert not marker.exists()


def test_the_run_starts_isolated_and_outside_every_folder_of_ours(monkeypatch, settings):
    told = answer_of(
        monkeypatch,
        settings,
        """print(json.dumps({"verdict": "not_reproduced", "cwd": os.getcwd(), "path": sys.path,
        "isolated": sys.flags.isolated}))""",
    )

    assert (told["cwd"], told["isolated"]) == ("/", 1)
    assert "" not in told["path"]


def test_the_run_gets_neither_secrets_nor_open_files(monkeypatch, settings):
    for name in ("LEADTIME_TOKEN", "LEADTIME_DATABASE_URL", "PGPASSWORD", "SOME_SECRET"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/etc/pip.conf")
    told = answer_of(
        monkeypatch,
        settings,
        """
files = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]
print(json.dumps({"verdict": "inconclusive", "environment": dict(os.environ), "files": files}))""",
    )

    assert "secret" not in told["environment"].values()
    assert told["environment"]["LEADTIME_HOME"] == str(settings.home)
    assert told["environment"]["PIP_CONFIG_FILE"] == "/etc/pip.conf"
    assert [file for file in told["files"] if "socket" in file or ".lock" in file] == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (REPRODUCED, Outcome("reproduced", "sha256:1", b"")),
        ({"verdict": "not_reproduced", "crash": None}, Outcome("not_reproduced", None, b"")),
        ({"verdict": "harness_fault", "crash": CRASH}, Outcome("harness_fault", None, b"")),
        ({"verdict": "inconclusive"}, Outcome("inconclusive", None, b"")),
    ],
)
def test_a_verdict_is_kept_whole(monkeypatch, settings, answer, outcome):
    run_is(monkeypatch, f"print(json.dumps({answer!r}))")

    found = prove(settings, BEGUN, threading.Event())

    assert (found.verdict, found.signature) == (outcome.verdict, outcome.signature)
    assert json.loads(found.result) == answer


def test_a_recipe_that_is_refused_is_decided_with_the_sentence(settings):
    found = prove(settings, BEGUN, threading.Event())

    assert (found.verdict, found.signature) == ("inconclusive", None)
    assert json.loads(found.result) == {
        "verdict": "inconclusive",
        "reason": "$.subject: a field is missing. Add it.",
        "crash": None,
        "fixed": None,
        "evidence": [],
    }


def test_a_report_without_a_reproducer_is_decided_without_a_run(monkeypatch, settings):
    run_is(monkeypatch, "raise SystemExit(9)")

    found = prove(settings, Begun(UUID(int=1), UUID(int=2), 1, None), threading.Event())

    assert json.loads(found.result)["reason"] == "the report carries no reproducer"


@pytest.mark.parametrize("code", [1, 2, 3, 5, 139])
def test_a_run_that_did_not_come_to_a_verdict_is_tried_again(monkeypatch, settings, code):
    run_is(monkeypatch, f"sys.exit({code})")

    with pytest.raises(Unavailable, match="the run ended without a verdict: it said nothing"):
        prove(settings, BEGUN, threading.Event())


def test_a_run_is_given_up_when_the_worker_is_to_stop(monkeypatch, settings):
    run_is(monkeypatch, "import time; time.sleep(600)")
    stopping = threading.Event()
    stopping.set()

    with pytest.raises(Unavailable, match="the worker is stopping"):
        prove(settings, BEGUN, stopping)


def test_a_run_that_ignores_being_asked_is_killed_at_its_bound(monkeypatch, settings):
    run_is(monkeypatch, "import signal\nwhile True: signal.pause()")
    monkeypatch.setattr(proving, "RUN_SECONDS_MAX", 0)
    monkeypatch.setattr(proving, "STOP_SECONDS_MAX", 0.2)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is ignored here is ignored by the run
    try:
        with pytest.raises(Refused, match="it took more than 0 s"):
            prove(settings, BEGUN, threading.Event())
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_run_dies_with_its_worker(settings, tmp_path):
    """A pipe tells: it has an end that the run alone holds, for as long as that lives."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = f"import signal; pipe = open({str(pipe)!r}, 'w'); print('here', file=pipe, flush=True); signal.pause()"
    worker = (
        "import sys, threading; from tests.workflows.test_proving import BEGUN, proving, read_settings;"
        f"proving.APART = {run!r};"
        f"proving.prove(read_settings({{'LEADTIME_HOME': {str(settings.home)!r}}}), BEGUN, threading.Event())"
    )
    command = [sys.executable, "-c", worker]
    with (
        subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as process,
        os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as heard,
    ):
        ready, _, _ = select.select([heard, process.stdout], [], [])
        assert ready == [heard]
        assert heard.read(100) == b"here\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.set_blocking(heard.fileno(), True)
        assert heard.read(100) == b""


@pytest.mark.parametrize("message", [b"", b"[]", b'{"recipe": 1, "files": [], "input": {}}', b"nonsense"])
def test_a_message_that_spells_no_reproducer_is_refused(message):
    with pytest.raises(Malformed):
        read_message(message)


def test_a_run_that_is_asked_to_end_gives_up(monkeypatch, settings):
    def told_to_stop(_reproducer, _fetcher, _workshop, *, stopping):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.is_set()
        raise Unavailable("stopped")

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(prove_apart, "prove", told_to_stop)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(as_message(REPRODUCER))))
    monkeypatch.setenv("LEADTIME_HOME", str(settings.home))

    with pytest.raises(SystemExit) as ended:
        prove_apart.main()

    signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 5


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
        *(
            json.dumps(REPRODUCED | wrong).encode()
            for wrong in (
                {"rate": "x"},
                {"rate": {"hits": 1, "runs": 5, "low": 0.1, "high": True}},
                {"fixed": "x"},
                {"fixed": {"verdict": "zzz"}},
                {"fixed": {"verdict": "clean", "runs": "5"}},
                {"harness": "zzz"},
                {"harness": []},
                {"oracle": "zzz"},
                {"crash": CRASH | {"stack": "leaf"}},
                {"crash": CRASH | {"stack": [1]}},
                {"crash": CRASH | {"stack": [{"origin": "release"}]}},
            )
        ),
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
