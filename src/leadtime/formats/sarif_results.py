"""What one SARIF 2.1.0 result says: its message, places, weakness and severity, and what makes it the same again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from leadtime.formats.limits import COMPONENT_TEXT_CHARS_MAX, TOLD_CHARS_MAX, TOLD_ITEMS_MAX
from leadtime.formats.members import JsonObject, list_or_none, object_or_none, text_or_none
from leadtime.formats.sarif import FoundResult, rule_id_of
from leadtime.foundation.digests import canonical_json, digest_of
from leadtime.foundation.strict_json import Json

NOTHING_WRONG = frozenset({"pass", "notApplicable", "informational"})
"""Kinds of result that are no finding (section 3.27.9)."""

STANDING = frozenset({"underReview", "rejected"})
"""States of a suppression that leave its result as it is (section 3.35.3)."""

_ESCAPED = re.compile("(?:%[0-9A-Fa-f]{2})+")
"""Bytes of UTF-8 in an address (RFC 3986, section 2.1)."""

_PLACEHOLDER = re.compile(r"\{([0-9]{1,3})\}")
_WEAKNESS = re.compile(r"(?i:cwe)[-_/: ]?0{0,5}([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Place:
    """A file as its address says it, percent signs resolved, with function and line (from 1) where they are given."""

    file: str
    function: str
    line: int | None


@dataclass(frozen=True, slots=True)
class SarifResult:
    """One result, read. ``left_out`` says why it is no finding, empty if it is one.

    ``identity`` is equal for equal results of two logs; ``original`` is the result, its tool's name and its rule.
    """

    where: str
    tool: str
    rule: str
    message: str
    about: str
    level: str
    weakness: int | None
    places: tuple[Place, ...]
    repository: str
    revision: str
    left_out: str
    identity: str
    original: bytes


def read_result(found: FoundResult) -> SarifResult:
    """Return what a result says; parts of the wrong type count as left out, and long texts are cut."""
    result, rule, run = found.result, found.rule, found.run
    message = _message(object_or_none(result.get("message")), found)
    places = tuple(_places(found))
    return SarifResult(
        where=found.where,
        tool=run.tool,
        rule=rule_id_of(result) or _text(rule.get("id")),
        message=message,
        about=_about(rule),
        level=_level(result, rule),
        weakness=_weakness(result, rule),
        places=places,
        repository=run.repository,
        revision=run.revision,
        left_out=_left_out(result),
        identity=_identity(found, message, places),
        original=canonical_json({"tool": run.tool, "rule": rule, "result": result}),
    )


def _text(value: Json) -> str:
    return text_or_none(value, chars_max=COMPONENT_TEXT_CHARS_MAX)


def _long(value: Json) -> str:
    return text_or_none(value, chars_max=TOLD_CHARS_MAX)


def _message(message: JsonObject, found: FoundResult) -> str:
    """Return a message as plain text (section 3.11): its own, or its rule's or tool's under its id."""
    own = _long(message.get("text")) or _long(message.get("markdown"))
    name = _text(message.get("id"))
    strings = (object_or_none(found.rule.get("messageStrings")), found.run.messages)
    named = (_long(object_or_none(each.get(name)).get("text")) for each in strings)
    arguments = [_long(each) for each in list_or_none(message.get("arguments"), items_max=TOLD_ITEMS_MAX)]
    return _filled(own or next((each for each in named if each), ""), arguments)


def _filled(text: str, arguments: list[str]) -> str:
    """Return a text with its placeholders filled (section 3.11.5), never longer than one text may be."""
    parts: list[str] = []
    left_chars = TOLD_CHARS_MAX
    for number, part in enumerate(_PLACEHOLDER.split(text)):
        is_placeholder = number % 2 == 1
        known = is_placeholder and int(part) < len(arguments)
        filled = arguments[int(part)] if known else f"{{{part}}}" if is_placeholder else part
        parts.append(filled[:left_chars])
        left_chars -= len(parts[-1])
        if not left_chars:
            break
    return "".join(parts)


def _about(rule: JsonObject) -> str:
    """Return what a rule says of itself, each text once."""
    told = [_long(object_or_none(rule.get(each)).get("text")) for each in ("shortDescription", "fullDescription")]
    told += [_long(object_or_none(rule.get("help")).get("text")), _text(rule.get("helpUri"))]
    return "\n\n".join(dict.fromkeys(each.strip() for each in told if each.strip()))[:TOLD_CHARS_MAX]


def _level(result: JsonObject, rule: JsonObject) -> str:
    """Return the rule's score where it has one, else the level (section 3.27.10), empty where none is given."""
    score = object_or_none(rule.get("properties")).get("security-severity")
    by_default = object_or_none(rule.get("defaultConfiguration")).get("level")
    return _text(score) or _text(result.get("level")) or _text(by_default)


def _weakness(result: JsonObject, rule: JsonObject) -> int | None:
    """Return the first CWE that tags, taxa or relationships name."""
    for name in _weakness_names(result, rule):
        if found := _WEAKNESS.search(name):
            return int(found.group(1))
    return None


def _weakness_names(result: JsonObject, rule: JsonObject) -> Iterator[str]:
    related = list_or_none(rule.get("relationships"), items_max=TOLD_ITEMS_MAX)
    targets = [object_or_none(object_or_none(each).get("target")) for each in related]
    taxa = [object_or_none(each) for each in list_or_none(result.get("taxa"), items_max=TOLD_ITEMS_MAX)]
    for holder, named in ((result, taxa), (rule, targets)):
        properties = object_or_none(holder.get("properties"))
        yield from map(_text, list_or_none(properties.get("tags"), items_max=TOLD_ITEMS_MAX))
        yield _text(properties.get("cwe"))
        for each in named:
            yield f"{_text(object_or_none(each.get('toolComponent')).get('name'))}-{_text(each.get('id'))}"


def _places(found: FoundResult) -> Iterator[Place]:
    for each in list_or_none(found.result.get("locations"), items_max=TOLD_ITEMS_MAX):
        location = object_or_none(each)
        physical = object_or_none(location.get("physicalLocation"))
        file = _file(object_or_none(physical.get("artifactLocation")), found)
        line = object_or_none(physical.get("region")).get("startLine")
        logical = list_or_none(location.get("logicalLocations"), items_max=1)
        named = object_or_none(logical[0]) if logical else {}
        function = _text(named.get("fullyQualifiedName")) or _text(named.get("name"))
        if file.strip():
            counts = isinstance(line, int) and not isinstance(line, bool) and line > 0
            yield Place(file, function, line if counts and isinstance(line, int) else None)


def _file(artifact: JsonObject, found: FoundResult) -> str:
    """Return the address of a file: the location's own, or that of the run's artifact which it points to."""
    index = artifact.get("index")
    if not _text(artifact.get("uri")) and isinstance(index, int) and 0 <= index < len(found.run.artifacts):
        artifact = object_or_none(found.run.artifacts[index].get("location"))
    uri = _text(artifact.get("uri"))
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(errors="replace"), uri)


def _left_out(result: JsonObject) -> str:
    if _text(result.get("kind")) in NOTHING_WRONG:
        return "it says that nothing is wrong"
    if result.get("baselineState") == "absent":
        return "it is gone since its tool's last run"
    suppressions = list_or_none(result.get("suppressions"), items_max=TOLD_ITEMS_MAX)
    states = {_text(object_or_none(each).get("status")) for each in suppressions}
    return "it was suppressed" if suppressions and states.isdisjoint(STANDING) else ""


def _identity(found: FoundResult, message: str, places: tuple[Place, ...]) -> str:
    """Return a digest over the steadiest name that a result gives itself (sections 3.27.16, .6, .17, .4)."""
    result, rule = found.result, rule_id_of(found.result)
    file = places[0].file if places else ""
    named: tuple[Json, ...] = (
        result.get("fingerprints") or None,
        result.get("correlationGuid"),
        [result["partialFingerprints"], rule, file] if result.get("partialFingerprints") else None,
        result.get("guid"),
        [rule, message, [json.dumps([place.file, place.line]) for place in places]],
    )
    number, name = next((number, name) for number, name in enumerate(named) if name)
    return digest_of(canonical_json([found.run.tool, number, name]))
