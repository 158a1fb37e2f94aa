"""What an OSV record (OpenSSF OSV schema 1.7) says to people, beyond what matching needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from leadtime.formats.limits import AFFECTED_MAX, COMPONENT_TEXT_CHARS_MAX, DOCUMENT, TOLD_CHARS_MAX, TOLD_ITEMS_MAX
from leadtime.formats.members import JsonObject, list_or_none, object_in, object_or_none, text_or_none
from leadtime.formats.osv import OsvRecord, osv_record
from leadtime.foundation.strict_json import Json, read_json


@dataclass(frozen=True, slots=True)
class ToldOsv:
    """A record with its words: details, weaknesses, scores as written, who is thanked and the tools that found it."""

    record: OsvRecord
    details: str
    weaknesses: tuple[str, ...]
    scores: tuple[str, ...]
    credits: tuple[str, ...]
    tools: tuple[str, ...]
    references: tuple[str, ...]
    repositories: tuple[str, ...]


def read_osv_words(raw: bytes) -> ToldOsv:
    """Return a record with its words; raises `Malformed` as `osv.read_osv`. Words of the wrong type count as none."""
    parsed = read_json(raw.removeprefix(b"\xef\xbb\xbf"), DOCUMENT)
    document = object_in(parsed, "$")
    own = object_or_none(document.get("database_specific"))
    thanked = [(_text(each.get("name")), each.get("type")) for each in _objects(document.get("credits"))]
    affected = _objects(document.get("affected"), AFFECTED_MAX)
    ranges = [each for package in affected for each in _objects(package.get("ranges"))]
    scores = [each for holder in (document, *affected) for each in _objects(holder.get("severity"))]
    return ToldOsv(
        record=osv_record(parsed),
        details=text_or_none(document.get("details"), chars_max=TOLD_CHARS_MAX),
        weaknesses=_texts(own.get("cwe_ids")),
        scores=_once([_text(each.get("score")) for each in scores]),
        credits=_once([name for name, kind in thanked if kind != "TOOL"]),
        tools=_once([name for name, kind in thanked if kind == "TOOL"]),
        references=_once([_text(each.get("url")) for each in _objects(document.get("references"))]),
        repositories=_once([_text(each.get("repo")) for each in ranges]),
    )


def _objects(value: Json, items_max: int = TOLD_ITEMS_MAX) -> list[JsonObject]:
    return [object_or_none(each) for each in list_or_none(value, items_max=items_max)]


def _text(value: Json) -> str:
    return text_or_none(value, chars_max=COMPONENT_TEXT_CHARS_MAX).strip()


def _texts(value: Json) -> tuple[str, ...]:
    return _once([_text(each) for each in list_or_none(value, items_max=TOLD_ITEMS_MAX)])


def _once(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in texts if each))[:TOLD_ITEMS_MAX]
