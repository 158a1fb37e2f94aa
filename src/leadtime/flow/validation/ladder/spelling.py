"""What became of a patch as JSON, and back: what crosses the pipe from the run is distrusted on return."""

from __future__ import annotations

from collections.abc import Mapping

from leadtime.flow.validation.ladder.records import Applied, JudgedPatch, Ladder, Rung, Standing, Step
from leadtime.flow.validation.records import Word
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

JUDGED_BOUNDS = JsonBounds(bytes_max=1 << 20, depth_max=5, values_max=10_000)
TEXT_CHARS_MAX = 5_000

_PASSED: Mapping[Standing, bool | None] = {
    Standing.PASSED: True,
    Standing.FAILED: False,
    Standing.NOT_CHECKED: None,
}
_STANDINGS = {passed: standing for standing, passed in _PASSED.items()}


def ladder_as_json(ladder: Ladder | None) -> dict[str, Json]:
    """Return a ladder as the member ``patch`` of a verdict's JSON; what could not be checked has ``passed`` null."""
    if ladder is None:
        return {"reached": None, "rungs": [], "touched": [], "left_out": [], "archive": ""}
    applied = ladder.applied or Applied((), (), "")
    return {
        "reached": ladder.reached.value if ladder.reached is not None else None,
        "rungs": [
            {"rung": step.rung.value, "passed": _PASSED[step.standing], "reason": step.reason} for step in ladder.steps
        ],
        "touched": list(applied.touched),
        "left_out": list(applied.left_out),
        "archive": applied.archive,
    }


def judged_as_json(found: JudgedPatch) -> dict[str, Json]:
    """Return what became of a patch: the verdict without it, and in ``patch`` how far it climbed."""
    return {
        "verdict": found.word.value,
        "reason": found.reason,
        "environment": found.environment,
        "patch": ladder_as_json(found.ladder),
    }


def read_judged(raw: bytes) -> JudgedPatch:
    """Return what `judged_as_json` spelled, other members ignored; raises `Malformed` for anything else."""
    top = _object(read_json(raw, JUDGED_BOUNDS), "$")
    word = _text(top, "verdict", "$")
    if word not in set(Word):
        raise _wrong("$.verdict")
    ladder = _ladder(_object(top.get("patch"), "$.patch"))
    if ladder is not None and word != Word.REPRODUCED:
        raise _wrong("$.patch")
    return JudgedPatch(Word(word), _text(top, "reason", "$"), _text(top, "environment", "$"), ladder)


def _ladder(patch: dict[str, Json]) -> Ladder | None:
    """Return the ladder; which rung it reaches is told from its rungs, which have to be all of them, in order."""
    steps = tuple(_step(each) for each in _list(patch, "rungs"))
    if not steps:
        return None
    if tuple(step.rung for step in steps) != tuple(Rung):
        raise _wrong("$.patch.rungs")
    touched, left_out = _texts(patch, "touched"), _texts(patch, "left_out")
    archive = _text(patch, "archive", "$.patch")
    return Ladder(steps, Applied(touched, left_out, archive) if touched else None)


def _step(value: Json) -> Step:
    where = "$.patch.rungs"
    step = _object(value, where)
    rung, passed = _text(step, "rung", where), step.get("passed")
    if rung not in set(Rung) or "passed" not in step or not (passed is None or isinstance(passed, bool)):
        raise _wrong(where)
    return Step(Rung(rung), _STANDINGS[passed], _text(step, "reason", where))


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _wrong(where)
    return value


def _list(holder: dict[str, Json], name: str) -> list[Json]:
    value = holder.get(name)
    if not isinstance(value, list):
        raise _wrong(f"$.patch.{name}")
    return value


def _texts(holder: dict[str, Json], name: str) -> tuple[str, ...]:
    texts = tuple(each for each in _list(holder, name) if isinstance(each, str) and len(each) <= TEXT_CHARS_MAX)
    if len(texts) != len(_list(holder, name)):
        raise _wrong(f"$.patch.{name}")
    return texts


def _text(holder: dict[str, Json], name: str, where: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX:
        raise _wrong(f"{where}.{name}")
    return value


def _wrong(where: str) -> Malformed:
    return Malformed("this is no judgement of a patch", where=where, next_step="Look at its worker.")
