"""A survey as JSON, and back: what crosses the pipe from the run is distrusted on return."""

from __future__ import annotations

from leadtime.flow.validation.affected.records import (
    AffectedRange,
    Bound,
    Event,
    NewestRelease,
    ReleaseWord,
    Survey,
    Tried,
)
from leadtime.flow.validation.records import FixedWord
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

SURVEY_BOUNDS = JsonBounds(bytes_max=4 << 20, depth_max=8, values_max=100_000)
TEXT_CHARS_MAX = 5_000

NEWEST_WORDS = {
    ReleaseWord.FAILS: FixedWord.STILL_FAILS,
    ReleaseWord.FAILS_OTHERWISE: FixedWord.FAILS_OTHERWISE,
    ReleaseWord.CLEAN: FixedWord.CLEAN,
    ReleaseWord.UNKNOWN: FixedWord.NOT_CHECKED,
}
"""Of the newest release it is said in the words for the fixed one: it is what people may move to."""


def survey_as_json(found: Survey) -> dict[str, object]:
    """Return the members that a survey adds to a verdict: ``newest`` and, where it was asked for, ``range``."""
    return {"newest": _newest_as_json(found.newest), **_range_as_json(found)}


def _newest_as_json(newest: NewestRelease) -> dict[str, object]:
    if newest.tried is None:
        word = FixedWord.NOT_CHECKED.value
        return {"release": None, "verdict": word, "reason": newest.reason, "evidence": []}
    tried = newest.tried
    return {
        "release": tried.release,
        "verdict": NEWEST_WORDS[tried.word].value,
        "reason": tried.reason,
        "evidence": list(tried.evidence),
    }


def _range_as_json(found: Survey) -> dict[str, object]:
    if found.affected is None:
        return {"range": {"events": [], "tried": [], "reason": found.reason}} if found.reason else {}
    affected = found.affected
    return {
        "range": {
            "type": affected.type,
            "events": [{event.bound.value: event.release} for event in affected.events],
            "tried": [_tried_as_json(each) for each in affected.tried],
            "releases": list(affected.releases),
            "undecided": list(affected.undecided),
        }
    }


def _tried_as_json(tried: Tried) -> dict[str, object]:
    return {
        "release": tried.release,
        "word": tried.word.value,
        "reason": tried.reason,
        "evidence": list(tried.evidence),
    }


def read_survey(raw: bytes) -> Survey:
    """Return the survey that `survey_as_json` spelled, other members ignored; raises `Malformed` for anything else."""
    top = _object(read_json(raw, SURVEY_BOUNDS), "$")
    newest = _object(top.get("newest"), "$.newest")
    ranged = None if "range" not in top else _object(top.get("range"), "$.range")
    reason = "" if ranged is None or "reason" not in ranged else _text(ranged.get("reason"), "$.range.reason")
    return Survey(_newest(newest), None if ranged is None or reason else _range(ranged), reason)


def _newest(newest: dict[str, Json]) -> NewestRelease:
    words = {word.value: found for found, word in NEWEST_WORDS.items()}
    reason = _text(newest.get("reason"), "$.newest.reason")
    if newest.get("release") is None:
        return NewestRelease(None, reason)
    word = words.get(_text(newest.get("verdict"), "$.newest.verdict"))
    if word is None:
        raise _wrong("$.newest.verdict")
    release = _text(newest.get("release"), "$.newest.release")
    return NewestRelease(Tried(release, word, reason, _digests(newest, "$.newest")), "")


def _range(ranged: dict[str, Json]) -> AffectedRange:
    return AffectedRange(
        type=_text(ranged.get("type"), "$.range.type"),
        events=tuple(_event(each) for each in _list(ranged.get("events"), "$.range.events")),
        releases=_texts(ranged, "releases", "$.range"),
        tried=tuple(_tried(each) for each in _list(ranged.get("tried"), "$.range.tried")),
        undecided=_texts(ranged, "undecided", "$.range"),
    )


def _event(value: Json) -> Event:
    for bound, release in _object(value, "$.range.events").items():
        if bound in set(Bound):
            return Event(Bound(bound), _text(release, "$.range.events"))
    raise _wrong("$.range.events")


def _tried(value: Json) -> Tried:
    tried, where = _object(value, "$.range.tried"), "$.range.tried"
    word = _text(tried.get("word"), where)
    if word not in set(ReleaseWord):
        raise _wrong(where)
    release, reason = (_text(tried.get(name), where) for name in ("release", "reason"))
    return Tried(release, ReleaseWord(word), reason, _digests(tried, where))


def _digests(holder: dict[str, Json], where: str) -> tuple[Digest, ...]:
    return tuple(Digest(each) for each in _texts(holder, "evidence", where))


def _texts(holder: dict[str, Json], name: str, where: str) -> tuple[str, ...]:
    return tuple(_text(each, f"{where}.{name}") for each in _list(holder.get(name), f"{where}.{name}"))


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _wrong(where)
    return value


def _list(value: Json, where: str) -> list[Json]:
    if not isinstance(value, list):
        raise _wrong(where)
    return value


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX:
        raise _wrong(where)
    return value


def _wrong(where: str) -> Malformed:
    return Malformed("this is no survey of releases", where=where, next_step="Look at its worker.")
