"""What the observer wrote is read strictly, and code is looked up where its frames say."""

from __future__ import annotations

import json

import pytest

from leadtime.flow.validation.records import PythonFrame
from leadtime.flow.validation.sightings import Code, Sightings, read_sightings
from leadtime.foundation.errors import Malformed

CODE = {"function": "total", "file": "/box/src/brittle/__init__.py", "first_line": 4, "table": "80", "code": "9700"}


def written(*python: object, codes: tuple[object, ...] = (CODE,)) -> bytes:
    sample = {"pid": 7, "thread": 7, "cpu_ticks": 1, "frames": [], "python": list(python), "modules": {}, "files": {}}
    return json.dumps({"reports": [], "samples": [[sample]], "codes": list(codes)}).encode()


@pytest.mark.parametrize("genuine", [True, False])
def test_a_frame_of_python_is_as_genuine_as_its_code(genuine: bool) -> None:  # noqa: FBT001
    seen = read_sightings(written({"code": 0, "line": 6, "entry": True}, {"code": 0, "line": None, "entry": False}))
    ((sample,),) = seen.read_samples(lambda code: genuine and code == seen.codes[0])

    assert seen.codes == (Code(CODE["file"], "total", 4, "80", "9700"),)  # type: ignore[arg-type]
    assert sample.stack.python == (
        PythonFrame("total", "/box/src/brittle/__init__.py", 6, is_entry=True, is_genuine=genuine),
        PythonFrame("total", "/box/src/brittle/__init__.py", None, is_entry=False, is_genuine=genuine),
    )


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
    assert (Sightings().read_reports(lambda _: True), Sightings().read_samples(lambda _: True)) == ((), ())
