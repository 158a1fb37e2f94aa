"""Advisories made for tests: one plain one, and every one that the rules let through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from leadtime.formats.advisories import (
    AdvisoryDocument,
    AffectedPackage,
    AffectedSpan,
    Credit,
    CreditKind,
    Outcome,
    Publisher,
    Reference,
    ReferenceKind,
    Revision,
    Run,
)
from leadtime.formats.weaknesses import NAMES
from leadtime.foundation.labels import Tlp

AT = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)


def a_package(**changes: object) -> AffectedPackage:
    package = AffectedPackage(
        ecosystem="PyPI",
        name="ujson",
        purl="pkg:pypi/ujson",
        runs=(Run("5.0.0", Outcome.AFFECTED, "val-1"), Run("5.2.0", Outcome.FIXED, "val-1")),
        spans=(AffectedSpan("1.34", "5.2.0", None, "CVE-2021-45958, public description"),),
    )
    return replace(package, **changes)  # type: ignore[arg-type]


def a_document(**changes: object) -> AdvisoryDocument:
    document = AdvisoryDocument(
        number="LT-2026-0001",
        title="ujson writes past a stack buffer when it indents",
        summary="A large indent writes past a 64 KiB buffer on the stack.",
        remedy="Do not let strangers choose the indent.",
        cve="CVE-2021-45958",
        cwes=("CWE-787",),
        packages=(a_package(),),
        credits=(Credit("Finder A (example)", CreditKind.FINDER),),
        references=(Reference(ReferenceKind.FIX, "https://example.org/fix", "The fix"),),
        publisher=Publisher("Coordination Centre (example)", "https://clearinghouse.example"),
        tlp=Tlp.CLEAR,
        revisions=(Revision(1, AT, "First published."),),
    )
    return replace(document, **changes)  # type: ignore[arg-type]


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60).filter(
    lambda text: text.strip()
)
_VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}((a|b|rc)[0-9]{1,2})?(\+[a-z0-9]{1,5})?", fullmatch=True)


@st.composite
def _packages(draw: st.DrawFn) -> AffectedPackage:
    ecosystem, purl, name = draw(
        st.sampled_from(
            [
                ("PyPI", "pkg:pypi/ujson", "ujson"),
                ("npm", "pkg:npm/%40scope/name", "@scope/name"),
                ("Go", "pkg:golang/example.org/mod", "example.org/mod"),
                ("Debian", "pkg:deb/debian/zlib", "zlib"),
                (None, "pkg:generic/thing", "thing"),
            ]
        )
    )
    versions = draw(st.lists(_VERSIONS, unique=True, max_size=4))
    runs = tuple(Run(each, draw(st.sampled_from(Outcome)), "val-1") for each in versions)
    ends = draw(st.lists(st.tuples(_VERSIONS, st.sampled_from(["fixed", "last", "open"])), unique=True, max_size=2))
    spans = tuple(
        AffectedSpan(
            draw(st.one_of(st.just("0"), _VERSIONS)),
            version if end == "fixed" else None,
            version if end == "last" else None,
            "a person",
        )
        for version, end in ends
    )
    package = AffectedPackage(ecosystem, name, purl, runs, tuple(dict.fromkeys(spans)))
    if not package.spans and not any(run.outcome is Outcome.AFFECTED for run in package.runs):
        return replace(package, runs=(*package.runs, Run("999.999", Outcome.AFFECTED, "val-2")))
    return package


@st.composite
def documents(draw: st.DrawFn) -> AdvisoryDocument:
    """Every advisory that may be published, withdrawn ones included."""
    later = draw(st.lists(st.integers(0, 10_000_000), max_size=3))
    instants = [AT + timedelta(seconds=sum(later[:count])) for count in range(len(later) + 1)]
    revisions = tuple(Revision(number, at, draw(_TEXTS)) for number, at in enumerate(instants, start=1))
    return AdvisoryDocument(
        number=f"LT-2026-{draw(st.integers(1, 99_999)):04}",
        title=draw(_TEXTS),
        summary=draw(_TEXTS),
        remedy=draw(st.one_of(st.just(""), _TEXTS)),
        cve=draw(st.one_of(st.none(), st.just("CVE-2021-45958"))),
        cwes=tuple(draw(st.lists(st.sampled_from([*NAMES, "CWE-999999"]), unique=True, max_size=3))),
        packages=tuple(draw(st.lists(_packages(), min_size=1, max_size=3, unique_by=lambda each: each.purl))),
        credits=tuple(Credit(draw(_TEXTS), kind) for kind in draw(st.lists(st.sampled_from(CreditKind), max_size=3))),
        references=tuple(
            Reference(kind, "https://example.org/x", draw(_TEXTS))
            for kind in draw(st.lists(st.sampled_from(ReferenceKind), max_size=2))
        ),
        publisher=Publisher("Coordination Centre (example)", "https://clearinghouse.example"),
        tlp=draw(st.sampled_from(Tlp)),
        revisions=revisions,
        withdrawn_at=revisions[-1].at if draw(st.booleans()) and len(revisions) > 1 else None,
    )
