"""What the observer wrote is read strictly, and code is looked up where its frames say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from leadtime.flow.validation.acts.records import Act, ActKind, ProgramEnd
from leadtime.flow.validation.network.records import NetworkAttempt
from leadtime.flow.validation.records import BuildStep, ThreadSample
from leadtime.flow.validation.stacks.records import PythonFrame, RaisedException, ScriptFrame, Stack
from leadtime.flow.validation.trial.sightings import BuildSightings, Code, Sightings, read_build, read_sightings
from leadtime.foundation.errors import Malformed

CODE = {
    "function": "total",
    "file": "/box/src/brittle/__init__.py",
    "first_line": 4,
    "table": "80",
    "code": "9700",
    "values": "ab",
}

ATTEMPT = {"call": "connect", "transport": "udp", "family": "inet", "address": "9.9.9.9", "port": 53, "times": 2}


RAISED = {
    "ending": 2,
    "name": "brittle.BrittleError",
    "ancestors": ["ValueError"],
    "doubts": ["traced"],
    "lowered": ["open files"],
    "recursion_limit": 1000,
    "frames": [],
    "python": [],
    "modules": {},
    "files": {},
}


def written(
    *python: object,
    codes: tuple[object, ...] = (CODE,),
    imports: int = 0,
    raised: tuple[object, ...] = (),
    acts: tuple[object, ...] = (),
    ends: tuple[object, ...] = (),
) -> bytes:
    times = {"state": "R", "ran_ms": 5, "waited_ms": 6, "let_run_ms": 7}
    sample = {"pid": 7, "thread": 7, **times, "frames": [], "python": list(python), "modules": {}, "files": {}}
    read = [{"digest": f"d:{place}", "code": place} for place in range(-1, imports)]
    loaded = {"modules": ["d:m"], "imports": read, "brought": ["d:x", ""]}
    return json.dumps(
        {
            "reports": [],
            "samples": [[sample]],
            "codes": list(codes),
            "network": [ATTEMPT],
            "raised": list(raised),
            "acts": list(acts),
            "ends": list(ends),
            "unwatched": "too many",
            **loaded,
        }
    ).encode()


@pytest.mark.parametrize("genuine", [True, False])
def test_a_frame_of_python_is_as_genuine_as_its_code(genuine: bool) -> None:  # noqa: FBT001
    seen = read_sightings(written({"code": 0, "line": 6, "entry": True}, {"code": 0, "line": None, "entry": False}))
    ((sample,),) = seen.read_samples(lambda code: genuine and code == seen.codes[0])

    assert seen.codes == (Code(CODE["file"], "total", 4, "80", "9700", "ab"),)  # type: ignore[arg-type]
    assert sample.stack.python == (
        PythonFrame("total", "/box/src/brittle/__init__.py", 6, is_entry=True, is_genuine=genuine),
        PythonFrame("total", "/box/src/brittle/__init__.py", None, is_entry=False, is_genuine=genuine),
    )


def test_a_moment_is_read_whole() -> None:
    ((sample,),) = read_sightings(written()).read_samples(lambda _: True)

    assert sample == ThreadSample(7, 7, "R", 5, 6, 7, Stack((), (), {}, {}))


def test_what_was_raised_is_read_whole() -> None:
    seen = read_sightings(written(raised=(RAISED,)))

    assert seen.unwatched == "too many"
    assert seen.read_raised(lambda _: True) == (
        RaisedException(
            2, "brittle.BrittleError", ("ValueError",), ("traced",), ("open files",), 1000, Stack((), (), {}, {})
        ),
    )
    with pytest.raises(Malformed):
        read_sightings(written(raised=({**RAISED, "ending": "2"},))).read_raised(lambda _: True)


BARE = {"frames": [], "python": [], "modules": {}, "files": {}, "program": "/box/work/target"}
ACT = {"kind": "secret-read", "what": "/canary/secret", "stack": BARE, "then": None}
END = {"code": 3, "lowered": ["stack size"], "opened": None, "stack": BARE}


def test_what_a_frame_of_an_interpreter_runs_is_read_whole() -> None:
    script = {"function": "show", "file": "a.js", "line": 7, "sources": ["d:a", "d:b"], "built_in": True}
    frames = [
        {"kind": "call", "pc": 1, "script": {**script, **more}} for more in ({}, {"line": None, "built_in": False})
    ]
    stack = {**BARE, "frames": [*frames, {"kind": "call", "pc": 1}]}

    (act,) = read_sightings(written(acts=({**ACT, "stack": stack},))).read_acts(lambda _: True)

    assert [frame.script for frame in act.stack.native] == [
        ScriptFrame("show", "a.js", 7, ("d:a", "d:b"), is_built_in=True),
        ScriptFrame("show", "a.js", None, ("d:a", "d:b"), is_built_in=False),
        None,
    ]


@pytest.mark.parametrize("name", ["function", "file", "line", "sources", "built_in"])
def test_a_script_without_one_of_its_members_is_refused(name: str) -> None:
    script = {"function": "", "file": "", "line": 1, "sources": [], "built_in": True}
    del script[name]
    stack = {**BARE, "frames": [{"kind": "call", "pc": 1, "script": script}]}

    with pytest.raises(Malformed, match=f"the observer's answer is broken at {name}"):
        read_sightings(written(acts=({**ACT, "stack": stack},))).read_acts(lambda _: True)


def test_acts_and_ends_are_read_whole() -> None:
    seen = read_sightings(written(acts=(ACT, {**ACT, "then": BARE}), ends=(END, {**END, "opened": ["d:tool"]})))
    stack, program = Stack((), (), {}, {}), "/box/work/target"

    act = Act(ActKind.READ, "/canary/secret", program, stack)
    assert seen.read_acts(lambda _: True) == (act, replace(act, then=stack))
    end = ProgramEnd(3, program, ("stack size",), None, stack)
    assert seen.read_ends(lambda _: True) == (end, replace(end, opened=("d:tool",)))


@pytest.mark.parametrize("wrong", [{"kind": "sleep"}, {"what": 3}, {"then": 1}, {"stack": None}])
def test_an_act_of_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read_sightings(written(acts=({**ACT, **wrong},))).read_acts(lambda _: True)


@pytest.mark.parametrize("wrong", [{"code": "3"}, {"lowered": None}, {"opened": [3]}, {"stack": None}])
def test_an_end_of_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read_sightings(written(ends=({**END, **wrong},))).read_ends(lambda _: True)


def test_who_tried_the_network_is_read_within_bounds() -> None:
    step = {"kind": "link", "pid": 2, "parent": 1, "order": 0, "inputs": [], "outputs": [], "flags": []}
    build = {"steps": [{**step, "piped": False, "failed": False}], "network": [ATTEMPT] * 257}

    (attempt,) = read_sightings(written()).network
    assert attempt == NetworkAttempt("connect", "udp", "inet", "9.9.9.9", 53, 2)
    assert read_build(json.dumps(build).encode()) == BuildSightings(
        (BuildStep("link", 2, 1, 0, (), (), (), is_piped=False, failed=False),), (attempt,) * 256
    )


@pytest.mark.parametrize("wrong", [{"port": "53"}, {"times": True}, {"address": 9}, {"call": None}])
def test_an_attempt_of_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read_build(json.dumps({"steps": [], "network": [{**ATTEMPT, **wrong}]}).encode())


def test_an_import_counts_if_the_import_system_made_it() -> None:
    seen = read_sightings(written(imports=1))

    assert seen.read_loaded(lambda _: True) == {"d:m", "d:-1", "d:0"}
    assert seen.read_loaded(lambda _: False) == {"d:m", "d:-1"}
    assert seen.brought == {"d:x", ""}
    with pytest.raises(Malformed):
        read_sightings(written(imports=2)).read_loaded(lambda _: True)


@pytest.mark.parametrize("place", [-1, 1, True, "0", None])
def test_a_frame_whose_code_is_not_there_is_refused(place: object) -> None:
    seen = read_sightings(written({"code": place, "line": 6, "entry": True}))

    with pytest.raises(Malformed):
        seen.read_samples(lambda _: True)


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"reports": [], "samples": []}', b'{"reports": 1, "samples": [], "codes": []}']
)
def test_an_answer_with_parts_missing_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_sightings(raw)


def test_a_run_that_never_started_showed_nothing() -> None:
    empty = Sightings()

    assert (empty.read_reports(lambda _: True), empty.read_samples(lambda _: True)) == ((), ())
    assert empty.read_loaded(lambda _: True) == frozenset()
