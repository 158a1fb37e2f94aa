"""Published advisories, for everybody; a draft for its case's people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.read_models.pictures import Badge, Tone
from leadtime.flow import advisory
from leadtime.flow.advisory import AdvisoryId, AdvisoryState, PublishedAdvisory, fixes_in_order, span_text
from leadtime.formats.advisories import AdvisoryDocument, AffectedPackage, Outcome
from leadtime.formats.csaf import csaf_file_name
from leadtime.formats.osv import osv_id
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused

PAGE_ADVISORIES = 50

TONES = {
    AdvisoryState.DRAFT: Tone.MILD,
    AdvisoryState.PUBLISHED: Tone.GOOD,
    AdvisoryState.WITHDRAWN: Tone.PLAIN,
}


@dataclass(frozen=True, slots=True)
class AdvisoryRow:
    """One advisory in the list."""

    href: str
    number: str
    title: str
    component: str
    fixed: str
    aliases: tuple[str, ...]
    published_at: datetime
    state: Badge


@dataclass(frozen=True, slots=True)
class AdvisoryList:
    """Published advisories; ``more`` is the next page's address or empty."""

    rows: tuple[AdvisoryRow, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class AffectedLine:
    """What is affected, and on whose word: the run that showed it, or the person's source."""

    component: str
    versions: str
    state: Badge
    because: str


@dataclass(frozen=True, slots=True)
class AdvisoryPage:
    """One advisory; ``osv_href`` and ``csaf_href`` are the same record for machines, empty for a draft."""

    number: str
    title: str
    summary: str
    state: Badge
    tlp: str
    published_at: datetime | None
    modified_at: datetime | None
    aliases: tuple[str, ...]
    cwes: tuple[str, ...]
    affected: tuple[AffectedLine, ...]
    fixed: tuple[str, ...]
    remedy: str
    credits: tuple[tuple[str, str], ...]
    references: tuple[str, ...]
    publisher: str
    osv_href: str = ""
    csaf_href: str = ""


def read_list(tx: Transaction, after: AdvisoryId | None) -> AdvisoryList:
    """Return one page of what is published."""
    found = advisory.list_published(tx, after=after, limit=PAGE_ADVISORIES + 1)
    shown = found[:PAGE_ADVISORIES]
    more = f"/advisories?cursor={shown[-1].id}" if len(found) > PAGE_ADVISORIES else ""
    return AdvisoryList(tuple(_row(each) for each in shown), more)


def read_page(tx: Transaction, found: AdvisoryId) -> AdvisoryPage:
    """Return one advisory: what is published, or its draft to whom may read that; raises `Missing`."""
    try:
        published = advisory.read_published(tx, found)
    except Missing:
        return _draft(tx, found)
    document = published.document
    return _page(
        document,
        published.state,
        osv_href=f"/osv/{osv_id(document.number)}.json",
        csaf_href=f"/csaf/{csaf_file_name(document.number)}",
    )


def badge(state: AdvisoryState) -> Badge:
    """Return an advisory's state as a badge."""
    return Badge(state.value, TONES[state])


def _draft(tx: Transaction, found: AdvisoryId) -> AdvisoryPage:
    try:
        held = advisory.read_advisory(tx, found)
    except Refused:
        raise Missing("there is no such advisory that you may see", next_step="Check its number.") from None
    return _page(held.document, held.state)


def _row(published: PublishedAdvisory) -> AdvisoryRow:
    document = published.document
    return AdvisoryRow(
        href=f"/advisories/{published.id}",
        number=document.number,
        title=document.title,
        component=", ".join(package.purl for package in document.packages),
        fixed=", ".join(version for package in document.packages for version in fixes_in_order(package)),
        aliases=(document.cve,) if document.cve else (),
        published_at=document.published_at,
        state=badge(published.state),
    )


def _page(document: AdvisoryDocument, state: AdvisoryState, *, osv_href: str = "", csaf_href: str = "") -> AdvisoryPage:
    drafted = state is AdvisoryState.DRAFT
    revised = document.modified_at if len(document.revisions) > 1 else None
    return AdvisoryPage(
        number=document.number,
        title=document.title,
        summary=document.summary,
        state=badge(state),
        tlp=document.tlp.text,
        published_at=None if drafted else document.published_at,
        modified_at=revised,
        aliases=(document.cve,) if document.cve else (),
        cwes=document.cwes,
        affected=tuple(line for package in document.packages for line in _affected(package)),
        fixed=tuple(
            f"Update {package.name} to {' or '.join(fixes)}."
            for package in document.packages
            if (fixes := fixes_in_order(package))
        ),
        remedy=document.remedy,
        credits=tuple((each.name, each.kind.value) for each in document.credits),
        references=tuple(each.url for each in document.references),
        publisher=document.publisher.name,
        osv_href=osv_href,
        csaf_href=csaf_href,
    )


_FOUND = {Outcome.AFFECTED: Badge("affected", Tone.HOT), Outcome.FIXED: Badge("fixed", Tone.GOOD)}


def _affected(package: AffectedPackage) -> tuple[AffectedLine, ...]:
    run = [
        AffectedLine(package.purl, each.version, _FOUND[each.outcome], "run here, in the sandbox")
        for each in package.runs
    ]
    entered = [
        AffectedLine(package.purl, span_text(each), _FOUND[Outcome.AFFECTED], f"entered by a person: {each.source}")
        for each in package.spans
    ]
    return (*run, *entered)
