"""SARIF 2.1.0 logs (OASIS Standard, 27 March 2020): the results of every run, each with what its rule says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leadtime.formats.limits import COMPONENT_TEXT_CHARS_MAX, DOCUMENT, RESULTS_MAX, RULES_MAX
from leadtime.formats.members import JsonObject, list_in, list_or_none, object_in, object_or_none, text_or_none
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, read_json

VERSION = "2.1.0"
RUNS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """What the results of one run share: the tool, its rules by place and by id, its files, and the software's source.

    ``repository`` and ``revision`` are as the first version control entry writes them, empty where there is none.
    """

    tool: str
    rules: tuple[JsonObject, ...]
    rules_by_id: dict[str, JsonObject]
    messages: JsonObject
    artifacts: tuple[JsonObject, ...]
    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class FoundResult:
    """One result as it was written, its rule (empty: none is given), its run, and its place in the log."""

    where: str
    run: Run
    rule: JsonObject
    result: JsonObject


def read_sarif(raw: bytes) -> Iterator[FoundResult | Malformed]:
    """Give each result of a log in its order, or what is wrong with it.

    Raises `Malformed` at once for what is no SARIF 2.1.0 log or holds more than `RESULTS_MAX` results; what a result's
    parts are worth is for `sarif_results` to say.
    """
    log = object_in(read_json(raw.removeprefix(b"\xef\xbb\xbf"), DOCUMENT), "$")
    if log.get("version") != VERSION:
        raise Malformed(
            f"this is not SARIF {VERSION}", where="$.version", next_step=f"Have the tool write SARIF {VERSION}."
        )
    runs = list_in(log, "runs", "$", items_max=RUNS_MAX)
    if sum(len(list_or_none(object_or_none(run).get("results"), items_max=RESULTS_MAX + 1)) for run in runs) > (
        RESULTS_MAX
    ):
        raise Malformed(f"a log has at most {RESULTS_MAX} results", where="$.runs", next_step="Split it.")
    return (found for number, run in enumerate(runs) for found in _results(run, f"$.runs[{number}]"))


def _results(value: Json, where: str) -> Iterator[FoundResult | Malformed]:
    if not isinstance(value, dict):
        yield Malformed("an object is expected", where=where, next_step="Write it in braces.")
        return
    if list_or_none(object_or_none(value.get("externalPropertyFileReferences")).get("results"), items_max=1):
        yield Malformed(
            "this run's results lie in another file",
            where=f"{where}.externalPropertyFileReferences.results",
            next_step="Have the tool write one file.",
        )
    run = _run(value)
    for number, result in enumerate(list_or_none(value.get("results"), items_max=RESULTS_MAX)):
        place = f"{where}.results[{number}]"
        if isinstance(result, dict):
            yield FoundResult(place, run, _rule(run, result), result)
        else:
            yield Malformed("an object is expected", where=place, next_step="Write it in braces.")


def _run(value: JsonObject) -> Run:
    tool = object_or_none(value.get("tool"))
    driver = object_or_none(tool.get("driver"))
    components = [driver, *map(object_or_none, list_or_none(tool.get("extensions"), items_max=RUNS_MAX))]
    rules = [_objects(each.get("rules"), RULES_MAX) for each in components]
    by_id: dict[str, JsonObject] = {}
    for rule in (rule for several in rules for rule in several):
        by_id.setdefault(text_or_none(rule.get("id"), chars_max=COMPONENT_TEXT_CHARS_MAX), rule)
    sources = list_or_none(value.get("versionControlProvenance"), items_max=1)
    source = object_or_none(sources[0]) if sources else {}
    return Run(
        tool=text_or_none(driver.get("name"), chars_max=COMPONENT_TEXT_CHARS_MAX).strip(),
        rules=rules[0],
        rules_by_id=by_id,
        messages=object_or_none(driver.get("globalMessageStrings")),
        artifacts=_objects(value.get("artifacts"), RULES_MAX),
        repository=text_or_none(source.get("repositoryUri"), chars_max=COMPONENT_TEXT_CHARS_MAX),
        revision=text_or_none(source.get("revisionId"), chars_max=COMPONENT_TEXT_CHARS_MAX),
    )


def _objects(value: Json, items_max: int) -> tuple[JsonObject, ...]:
    return tuple(map(object_or_none, list_or_none(value, items_max=items_max)))


def rule_id_of(result: JsonObject) -> str:
    """Return the id of a result's rule as the result gives it (section 3.27.5), empty where it gives none."""
    for given in (result.get("ruleId"), object_or_none(result.get("rule")).get("id")):
        if found := text_or_none(given, chars_max=COMPONENT_TEXT_CHARS_MAX):
            return found
    return ""


def _rule(run: Run, result: JsonObject) -> JsonObject:
    """Return a result's rule: by its place in the tool's driver, else by its id, of which the last parts may be cut."""
    index = result.get("ruleIndex")
    in_driver = "toolComponent" not in object_or_none(result.get("rule"))
    if isinstance(index, int) and in_driver and 0 <= index < len(run.rules):
        return run.rules[index]
    name = rule_id_of(result)
    return run.rules_by_id.get(name) or run.rules_by_id.get(name.rpartition("/")[0]) or {}
