"""Pure decisions of *advisory*: what may be said, what is missing before it is published, and what follows what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from leadtime.flow.advisory.records import AdvisoryMove, AdvisoryState, DraftFacts, FinderShare
from leadtime.formats.advisories import (
    AdvisoryDocument,
    AffectedPackage,
    AffectedSpan,
    Credit,
    CreditKind,
    Outcome,
    Publisher,
    Revision,
    Run,
)
from leadtime.foundation.access import Viewer
from leadtime.foundation.errors import Conflict, Malformed, Refused
from leadtime.foundation.labels import Tlp

TITLE_CHARS_MAX = 250
TEXT_CHARS_MAX = 20_000
VERSION_CHARS_MAX = 200
URL_CHARS_MAX = 2_000
PURL_CHARS_MAX = 4_000
"""Of what follows from a release that was run: no finder's choice of release stands in an advisory's way."""

ITEMS_MAX = 500
"""Packages, references or weaknesses of one advisory; ranges of one package."""

RUNS_MAX = 20_000
CREDITS_NAMED_MAX = 500
"""Finders that an advisory names one by one; beyond, the organisations that name most are credited as one each."""

CREDITS_MAX = 20_000
CREDIT_CHARS_MAX = 300

MOVES: Mapping[AdvisoryState, Mapping[AdvisoryMove, AdvisoryState]] = {
    AdvisoryState.DRAFT: {
        AdvisoryMove.EDIT: AdvisoryState.DRAFT,
        AdvisoryMove.PUBLISH: AdvisoryState.PUBLISHED,
    },
    AdvisoryState.PUBLISHED: {
        AdvisoryMove.REVISE: AdvisoryState.PUBLISHED,
        AdvisoryMove.WITHDRAW: AdvisoryState.WITHDRAWN,
    },
    AdvisoryState.WITHDRAWN: {AdvisoryMove.REVISE: AdvisoryState.PUBLISHED},
}
"""State -> move -> the state it leads to; what is not here cannot be done. One withdrawn in error is revised."""

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
_CWE = re.compile(r"CWE-[1-9][0-9]{0,5}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def apply(state: AdvisoryState, move: AdvisoryMove) -> AdvisoryState:
    """Return the state that ``move`` leads to; raises `Conflict` if it cannot be made from ``state``."""
    try:
        return MOVES[state][move]
    except KeyError:
        raise Conflict(
            f"an advisory that is {state} cannot be changed by the move {move}",
            where="state",
            next_step="Read it again.",
        ) from None


def check_publisher(viewer: Viewer) -> None:
    """Return if a named person asks; raises `Refused` for workers and for anybody without a name."""
    if viewer.person is None:
        raise Refused(
            "only a named person publishes, changes or withdraws an advisory", next_step="Sign in and do it yourself."
        )


def check_embargo(ends_at: datetime | None, now: datetime, reason: str) -> None:
    """Return if no embargo runs at ``now`` or a reason to be early is given; raises `Refused`.

    The instant at which an embargo ends is outside of it.
    """
    if ends_at is not None and now < ends_at and not reason.strip():
        raise Refused(
            f"the embargo runs until {ends_at.isoformat()}",
            where="embargo",
            next_step="Wait, move the embargo with its participants, or give the reason for being early.",
        )


def check_facts(facts: DraftFacts) -> DraftFacts:
    """Return the facts if each is well-formed and none contradicts another; raises `Malformed` naming the field."""
    _check_text(facts.title, "title", TITLE_CHARS_MAX, empty=False)
    if "\n" in facts.title:
        raise Malformed("a title is one line", where="title", next_step="Shorten it.")
    _check_text(facts.summary, "summary", TEXT_CHARS_MAX, empty=False)
    _check_text(facts.remedy, "remedy", TEXT_CHARS_MAX, empty=True)
    if facts.cve is not None and not _CVE.fullmatch(facts.cve):
        raise Malformed("this is not a CVE id", where="cve", next_step="Write it like CVE-2026-12345.")
    for cwe in facts.cwes:
        if not _CWE.fullmatch(cwe):
            raise Malformed("this is not a CWE id", where="cwes", next_step="Write it like CWE-787.")
    _check_items(facts.cwes, "cwes", ITEMS_MAX)
    _check_items(facts.packages, "packages", ITEMS_MAX)
    _check_items(facts.credits, "credits", CREDITS_MAX)
    _check_items(facts.references, "references", ITEMS_MAX)
    for package in facts.packages:
        _check_package(package)
    for credit in facts.credits:
        _check_text(credit.name, "credits.name", CREDIT_CHARS_MAX, empty=False)
    for reference in facts.references:
        _check_text(reference.summary, "references.summary", TITLE_CHARS_MAX, empty=False)
        _check_url(reference.url)
    return facts


def missing_facts(facts: DraftFacts) -> tuple[str, ...]:
    """Return one sentence for each thing that still stands between a draft and its publication."""
    missing: list[str] = []
    if not any(_affected_somehow(package) for package in facts.packages):
        missing.append("No release is said to be affected: run one, or enter a range with its source.")
    if facts.tlp is not Tlp.CLEAR:
        missing.append(f"It is labelled {facts.tlp.text}; only TLP:CLEAR is published to everybody.")
    return tuple(missing)


def check_publishable(facts: DraftFacts) -> None:
    """Return if nothing is missing; raises `Refused` with everything that is."""
    missing = missing_facts(facts)
    if missing:
        raise Refused(" ".join(missing), where="draft", next_step="Complete the draft, then publish it.")


def document_of(
    facts: DraftFacts,
    *,
    number: str,
    publisher: Publisher,
    revisions: tuple[Revision, ...],
    withdrawn_at: datetime | None = None,
) -> AdvisoryDocument:
    """Return the one record that is rendered; nothing is in it that is not in ``facts`` or an argument."""
    return AdvisoryDocument(
        number=number,
        title=facts.title,
        summary=facts.summary,
        remedy=facts.remedy,
        cve=facts.cve,
        cwes=facts.cwes,
        packages=facts.packages,
        credits=facts.credits,
        references=facts.references,
        publisher=publisher,
        tlp=facts.tlp,
        revisions=revisions,
        withdrawn_at=withdrawn_at,
    )


def next_revision(revisions: tuple[Revision, ...], *, at: datetime, summary: str) -> tuple[Revision, ...]:
    """Return ``revisions`` with one more, numbered after the last; it never lies before the one it follows.

    Raises `Malformed` for an empty summary.
    """
    _check_text(summary, "summary", TITLE_CHARS_MAX, empty=False)
    number = revisions[-1].number + 1 if revisions else 1
    not_before = max(at, revisions[-1].at) if revisions else at
    return (*revisions, Revision(number, not_before, summary))


def credits_of(
    finders: Iterable[FinderShare], *, maintainers: Iterable[str], coordinators: Iterable[str]
) -> tuple[Credit, ...]:
    """Return whom an advisory thanks, each once: finders, then maintainers who named a fix, then coordinators.

    A finder who names nobody is credited by its organisation. Beyond `CREDITS_NAMED_MAX` the organisation that names
    most people is credited as one, with their number, until the rest fits: nobody's credit is dropped, and nobody makes
    another's disappear by naming many.
    """
    people: dict[str, dict[str, None]] = {}
    for share in finders:
        people.setdefault(share.organisation, {}).update(dict.fromkeys(share.people or (share.organisation,)))
    named = {organisation: tuple(each) for organisation, each in people.items()}
    while sum(map(len, named.values())) > CREDITS_NAMED_MAX:
        most = max(named, key=lambda organisation: (len(named[organisation]), organisation))
        if len(named[most]) == 1:
            break
        named[most] = (f"{most} and the {len(named[most])} named in its reports",)
    credited = [Credit(name, CreditKind.FINDER) for names in named.values() for name in names]
    credited += [Credit(name, CreditKind.MAINTAINER) for name in maintainers]
    credited += [Credit(name, CreditKind.COORDINATOR) for name in coordinators]
    return tuple(dict.fromkeys(credited))


def runs_of(shown: Iterable[Run]) -> tuple[Run, ...]:
    """Return what runs add up to: each version once, by the first run; one that ever failed is affected."""
    found: dict[tuple[str, Outcome], Run] = {}
    for run in shown:
        found.setdefault((run.version, run.outcome), run)
    return tuple(
        run
        for (version, outcome), run in found.items()
        if outcome is Outcome.AFFECTED or (version, Outcome.AFFECTED) not in found
    )


def span_text(span: AffectedSpan) -> str:
    """Return a range in words: ``from 1.34 before 5.2.0``, ``up to 3.1``, ``from 2.0 on``, ``every version``."""
    start = "" if span.introduced == "0" else f"from {span.introduced}"
    end = f"before {span.fixed}" if span.fixed else f"up to {span.last_affected}" if span.last_affected else ""
    if start and not end:
        return f"{start} on"
    return " ".join(part for part in (start, end) if part) or "every version"


def _affected_somehow(package: AffectedPackage) -> bool:
    return bool(package.spans) or any(run.outcome is Outcome.AFFECTED for run in package.runs)


def _check_items(items: tuple[object, ...], where: str, items_max: int) -> None:
    if len(items) > items_max:
        raise Malformed(f"at most {items_max} are allowed", where=where, next_step="Give fewer.")
    if len(set(items)) != len(items):
        raise Malformed("one stands twice", where=where, next_step="Keep one.")


def _check_package(package: AffectedPackage) -> None:
    _check_text(package.name, "packages.name", PURL_CHARS_MAX, empty=False)
    _check_items(package.runs, "packages.runs", RUNS_MAX)
    _check_items(package.spans, "packages.spans", ITEMS_MAX)
    for run in package.runs:
        _check_text(run.version, "packages.runs.version", PURL_CHARS_MAX, empty=False)
        _check_text(run.validation, "packages.runs.validation", VERSION_CHARS_MAX, empty=False)
    affected = {run.version for run in package.runs if run.outcome is Outcome.AFFECTED}
    contradicted = affected & {*package.fixed_versions}
    if contradicted:
        raise Malformed(
            f"version {min(contradicted)} is said to be affected and fixed",
            where="packages",
            next_step="Keep what the run showed.",
        )
    for span in package.spans:
        _check_span(span)


def _check_span(span: AffectedSpan) -> None:
    _check_text(span.introduced, "packages.spans.introduced", VERSION_CHARS_MAX, empty=False)
    _check_text(span.fixed or "", "packages.spans.fixed", VERSION_CHARS_MAX, empty=True)
    _check_text(span.last_affected or "", "packages.spans.last_affected", VERSION_CHARS_MAX, empty=True)
    if span.fixed and span.last_affected:
        raise Malformed(
            "a range ends with a fixed version or with a last affected one, not with both",
            where="packages.spans",
            next_step="Keep one of them.",
        )
    if not span.source.strip():
        raise Malformed(
            "a range that was not run needs its source",
            where="packages.spans.source",
            next_step="Say where it is from.",
        )
    _check_text(span.source, "packages.spans.source", TITLE_CHARS_MAX, empty=False)


def _check_url(url: str) -> None:
    _check_text(url, "references.url", URL_CHARS_MAX, empty=False)
    if not url.startswith(("https://", "http://")) or any(each.isspace() or each in '<>"' for each in url):
        raise Malformed("this is not a web address", where="references.url", next_step="Begin it with https://.")


def _check_text(text: str, where: str, chars_max: int, *, empty: bool) -> None:
    if not empty and not text.strip():
        raise Malformed("this may not be empty", where=where, next_step="Fill it in.")
    if len(text) > chars_max:
        raise Malformed(f"at most {chars_max} characters are allowed", where=where, next_step="Shorten it.")
    if _CONTROL.search(text):
        raise Malformed("control characters are not text", where=where, next_step="Remove them.")
