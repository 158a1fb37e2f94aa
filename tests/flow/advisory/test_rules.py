from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow import intake
from leadtime.flow.advisory import FinderShare, affected_package, fixes_in_order
from leadtime.flow.advisory.records import AdvisoryMove, AdvisoryState
from leadtime.flow.advisory.rules import (
    CREDIT_CHARS_MAX,
    CREDITS_NAMED_MAX,
    ITEMS_MAX,
    MOVES,
    PURL_CHARS_MAX,
    TEXT_CHARS_MAX,
    TITLE_CHARS_MAX,
    URL_CHARS_MAX,
    VERSION_CHARS_MAX,
    apply,
    check_embargo,
    check_facts,
    check_publishable,
    check_publisher,
    credits_of,
    document_of,
    missing_facts,
    next_revision,
    runs_of,
    span_text,
)
from leadtime.flow.parties.rules import NAME_CHARS_MAX
from leadtime.formats.advisories import (
    AffectedSpan,
    Credit,
    CreditKind,
    Outcome,
    Reference,
    ReferenceKind,
    Revision,
    Run,
)
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Conflict, LeadtimeError, Malformed, Refused
from leadtime.foundation.labels import Tlp
from tests.flow.advisory.factories import PUBLISHER, some_facts
from tests.formats.factories import a_document, a_package

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DRAFT, PUBLISHED, WITHDRAWN = AdvisoryState.DRAFT, AdvisoryState.PUBLISHED, AdvisoryState.WITHDRAWN


def told(error: LeadtimeError) -> tuple[str, str, str]:
    return (error.where, error.what, error.next_step)


def test_the_table_of_moves_is_this_one() -> None:
    assert MOVES == {
        DRAFT: {AdvisoryMove.EDIT: DRAFT, AdvisoryMove.PUBLISH: PUBLISHED},
        PUBLISHED: {AdvisoryMove.REVISE: PUBLISHED, AdvisoryMove.WITHDRAW: WITHDRAWN},
        WITHDRAWN: {AdvisoryMove.REVISE: PUBLISHED},
    }


@given(st.sampled_from(AdvisoryState), st.lists(st.sampled_from(AdvisoryMove), max_size=12))
def test_no_history_leaves_the_table_and_none_comes_back_from_withdrawal(
    state: AdvisoryState, moves: list[AdvisoryMove]
) -> None:
    for move in moves:
        if move in MOVES[state]:
            state = apply(state, move)
        else:
            with pytest.raises(Conflict) as refusal:
                apply(state, move)
            assert told(refusal.value) == (
                "state",
                f"an advisory that is {state} cannot be changed by the move {move}",
                "Read it again.",
            )
        assert state is not DRAFT or set(moves) <= set(AdvisoryMove)
    if state is WITHDRAWN:
        assert set(MOVES[state]) == {AdvisoryMove.REVISE}


def test_only_a_named_person_publishes() -> None:
    check_publisher(Viewer(Role.COORDINATOR, uuid4(), uuid4()))
    for viewer in (SYSTEM, Viewer(Role.COORDINATOR, uuid4(), None)):
        with pytest.raises(Refused) as refusal:
            check_publisher(viewer)
        assert told(refusal.value) == (
            "",
            "only a named person publishes, changes or withdraws an advisory",
            "Sign in and do it yourself.",
        )


def test_an_embargo_holds_until_its_very_instant() -> None:
    ends_at = NOW + timedelta(days=1)
    check_embargo(None, NOW, "")
    check_embargo(ends_at, ends_at, "")
    check_embargo(ends_at, NOW, "It is public already.")
    for reason in ("", "  "):
        with pytest.raises(Refused) as refusal:
            check_embargo(ends_at, ends_at - timedelta(microseconds=1), reason)
        assert told(refusal.value) == (
            "embargo",
            "the embargo runs until 2026-08-04T09:00:00+00:00",
            "Wait, move the embargo with its participants, or give the reason for being early.",
        )


def test_plain_facts_are_returned_as_they_are() -> None:
    facts = some_facts(cve=None, cwes=(), remedy="", credits=(), references=(), packages=())
    assert check_facts(facts) is facts
    assert check_facts(some_facts()) == some_facts()


LONG_TITLE, LONG_TEXT = "x" * (TITLE_CHARS_MAX + 1), "x" * (TEXT_CHARS_MAX + 1)


def _reference(url: str, summary: str = "s") -> Reference:
    return Reference(ReferenceKind.WEB, url, summary)


def _span(**changes: object) -> tuple[AffectedSpan, ...]:
    plain = {"introduced": "1", "fixed": None, "last_affected": None, "source": "CVE"}
    return (AffectedSpan(**{**plain, **changes}),)  # type: ignore[arg-type]


EMPTY = ("this may not be empty", "Fill it in.")
CONTROLS = ("control characters are not text", "Remove them.")


@pytest.mark.parametrize(
    ("changes", "where", "what", "next_step"),
    [
        ({"title": ""}, "title", *EMPTY),
        ({"title": " "}, "title", *EMPTY),
        ({"title": "a\nb"}, "title", "a title is one line", "Shorten it."),
        ({"title": LONG_TITLE}, "title", "at most 250 characters are allowed", "Shorten it."),
        ({"title": "a\x1b[2J"}, "title", *CONTROLS),
        ({"summary": ""}, "summary", *EMPTY),
        ({"summary": LONG_TEXT}, "summary", "at most 20000 characters are allowed", "Shorten it."),
        ({"summary": "\ud800"}, "summary", *CONTROLS),
        ({"remedy": LONG_TEXT}, "remedy", "at most 20000 characters are allowed", "Shorten it."),
        ({"remedy": "\r"}, "remedy", *CONTROLS),
        ({"cve": "CVE-21-1"}, "cve", "this is not a CVE id", "Write it like CVE-2026-12345."),
        ({"cve": ""}, "cve", "this is not a CVE id", "Write it like CVE-2026-12345."),
        ({"cve": "CVE-2021-45958\n"}, "cve", "this is not a CVE id", "Write it like CVE-2026-12345."),
        ({"cwes": ("CWE-0",)}, "cwes", "this is not a CWE id", "Write it like CWE-787."),
        ({"cwes": ("787",)}, "cwes", "this is not a CWE id", "Write it like CWE-787."),
        ({"cwes": ("CWE-1", "CWE-1")}, "cwes", "one stands twice", "Keep one."),
        (
            {"cwes": tuple(f"CWE-{number}" for number in range(1, ITEMS_MAX + 2))},
            "cwes",
            "at most 500 are allowed",
            "Give fewer.",
        ),
        ({"packages": (a_package(), a_package())}, "packages", "one stands twice", "Keep one."),
        ({"credits": (Credit("", CreditKind.FINDER),)}, "credits.name", *EMPTY),
        (
            {"credits": (Credit("x" * (CREDIT_CHARS_MAX + 1), CreditKind.FINDER),)},
            "credits.name",
            "at most 300 characters are allowed",
            "Shorten it.",
        ),
        ({"credits": (Credit("a", CreditKind.FINDER),) * 2}, "credits", "one stands twice", "Keep one."),
        ({"references": (_reference("https://a"),) * 2}, "references", "one stands twice", "Keep one."),
        ({"references": (_reference("https://a", ""),)}, "references.summary", *EMPTY),
        (
            {"references": (_reference("https://a", LONG_TITLE),)},
            "references.summary",
            "at most 250 characters are allowed",
            "Shorten it.",
        ),
        (
            {"references": (_reference("https://" + "a" * URL_CHARS_MAX),)},
            "references.url",
            "at most 2000 characters are allowed",
            "Shorten it.",
        ),
        ({"references": (_reference(""),)}, "references.url", *EMPTY),
        *(
            (
                {"references": (_reference(url),)},
                "references.url",
                "this is not a web address",
                "Begin it with https://.",
            )
            for url in ("javascript:alert(1)", "https://a b", "https://a<b", "https://a>b", 'https://a"b')
        ),
        ({"packages": (a_package(name=""),)}, "packages.name", *EMPTY),
        (
            {"packages": (a_package(name="x" * (PURL_CHARS_MAX + 1)),)},
            "packages.name",
            "at most 4000 characters are allowed",
            "Shorten it.",
        ),
        (
            {"packages": (a_package(runs=(Run("1", Outcome.AFFECTED, "v"),) * 2),)},
            "packages.runs",
            "one stands twice",
            "Keep one.",
        ),
        ({"packages": (a_package(spans=_span() * 2),)}, "packages.spans", "one stands twice", "Keep one."),
        ({"packages": (a_package(runs=(Run("", Outcome.FIXED, "v"),)),)}, "packages.runs.version", *EMPTY),
        ({"packages": (a_package(runs=(Run("1", Outcome.FIXED, ""),)),)}, "packages.runs.validation", *EMPTY),
        (
            {"packages": (a_package(runs=(Run("1" * (PURL_CHARS_MAX + 1), Outcome.FIXED, "v"),)),)},
            "packages.runs.version",
            "at most 4000 characters are allowed",
            "Shorten it.",
        ),
        (
            {"packages": (a_package(runs=(Run("1", Outcome.FIXED, "v" * (VERSION_CHARS_MAX + 1)),)),)},
            "packages.runs.validation",
            "at most 200 characters are allowed",
            "Shorten it.",
        ),
        (
            {"packages": (a_package(spans=(), runs=(Run("2", Outcome.AFFECTED, "v"), Run("2", Outcome.FIXED, "v"))),)},
            "packages",
            "version 2 is said to be affected and fixed",
            "Keep what the run showed.",
        ),
        (
            {"packages": (a_package(spans=_span(fixed="5.0.0")),)},
            "packages",
            "version 5.0.0 is said to be affected and fixed",
            "Keep what the run showed.",
        ),
        ({"packages": (a_package(spans=_span(introduced="")),)}, "packages.spans.introduced", *EMPTY),
        ({"packages": (a_package(spans=_span(fixed="\x00")),)}, "packages.spans.fixed", *CONTROLS),
        ({"packages": (a_package(spans=_span(last_affected="\x00")),)}, "packages.spans.last_affected", *CONTROLS),
        (
            {"packages": (a_package(spans=_span(fixed="2", last_affected="1")),)},
            "packages.spans",
            "a range ends with a fixed version or with a last affected one, not with both",
            "Keep one of them.",
        ),
        (
            {"packages": (a_package(spans=_span(source=" ")),)},
            "packages.spans.source",
            "a range that was not run needs its source",
            "Say where it is from.",
        ),
        (
            {"packages": (a_package(spans=_span(source=LONG_TITLE)),)},
            "packages.spans.source",
            "at most 250 characters are allowed",
            "Shorten it.",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    changes: dict[str, object], where: str, what: str, next_step: str
) -> None:
    with pytest.raises(Malformed) as refusal:
        check_facts(some_facts(**changes))
    assert told(refusal.value) == (where, what, next_step)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": LONG_TITLE[:-1]},
        {"summary": LONG_TEXT[:-1]},
        {"summary": "one\n\ttwo"},
        {"cwes": tuple(f"CWE-{number}" for number in range(1, ITEMS_MAX + 1))},
        {"cve": "CVE-2026-1234"},
        {"references": (_reference("http://" + "a" * (URL_CHARS_MAX - 7)),)},
        {"packages": (a_package(spans=_span(introduced="0", source=LONG_TITLE[:-1])),)},
        {"packages": (a_package(runs=(Run("1" * VERSION_CHARS_MAX, Outcome.FIXED, "v" * VERSION_CHARS_MAX),)),)},
        {"packages": (a_package(spans=_span(last_affected="5.0.0")),)},
    ],
)
def test_what_just_fits_is_accepted(changes: dict[str, object]) -> None:
    assert check_facts(some_facts(**changes)) == some_facts(**changes)


NOTHING_AFFECTED = "No release is said to be affected: run one, or enter a range with its source."
LABELLED = "It is labelled TLP:AMBER; only TLP:CLEAR is published to everybody."


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, ()),
        ({"packages": (a_package(runs=()),)}, ()),
        ({"packages": (a_package(spans=()),)}, ()),
        ({"packages": (a_package(runs=(Run("1", Outcome.FIXED, "v"),), spans=()),)}, (NOTHING_AFFECTED,)),
        ({"packages": ()}, (NOTHING_AFFECTED,)),
        ({"tlp": Tlp.AMBER}, (LABELLED,)),
        ({"tlp": Tlp.AMBER, "packages": ()}, (NOTHING_AFFECTED, LABELLED)),
    ],
)
def test_what_is_missing_before_publication_is_said(changes: dict[str, object], missing: tuple[str, ...]) -> None:
    facts = some_facts(**changes)
    assert missing_facts(facts) == missing
    if not missing:
        check_publishable(facts)
        return
    with pytest.raises(Refused) as refusal:
        check_publishable(facts)
    assert told(refusal.value) == ("draft", " ".join(missing), "Complete the draft, then publish it.")


def test_a_document_holds_the_facts_and_nothing_else() -> None:
    revisions = (Revision(1, NOW, "First published."),)
    document = document_of(some_facts(), number="LT-2026-0001", publisher=PUBLISHER, revisions=revisions)
    assert document == a_document(revisions=revisions)
    withdrawn = document_of(
        some_facts(), number="LT-2026-0001", publisher=PUBLISHER, revisions=revisions, withdrawn_at=NOW
    )
    assert withdrawn == a_document(revisions=revisions, withdrawn_at=NOW)
    assert (document.published_at, document.modified_at) == (NOW, NOW)


def test_revisions_are_numbered_on_and_never_go_back_in_time() -> None:
    first = next_revision((), at=NOW, summary="First.")
    assert first == (Revision(1, NOW, "First."),)
    later = NOW + timedelta(hours=1)
    assert next_revision(first, at=later, summary="More.") == (*first, Revision(2, later, "More."))
    assert next_revision(first, at=NOW - timedelta(hours=1), summary="More.")[1].at == NOW
    with pytest.raises(Malformed) as refusal:
        next_revision(first, at=NOW, summary=" ")
    assert told(refusal.value) == ("summary", *EMPTY)
    with pytest.raises(Malformed, match="at most 250 characters"):
        next_revision(first, at=NOW, summary=LONG_TITLE)


def named(shares: list[FinderShare]) -> list[str]:
    return [credit.name for credit in credits_of(shares, maintainers=(), coordinators=())]


def test_everybody_is_thanked_once_in_order() -> None:
    shares = [FinderShare("Lab", ("Ada", "Bo")), FinderShare("Fuzzer", ()), FinderShare("Lab", ("Ada", "Cy"))]
    assert credits_of(shares, maintainers=("Project", "Project"), coordinators=("Centre",)) == (
        *(Credit(name, CreditKind.FINDER) for name in ("Ada", "Bo", "Cy", "Fuzzer")),
        Credit("Project", CreditKind.MAINTAINER),
        Credit("Centre", CreditKind.COORDINATOR),
    )


def test_who_names_too_many_is_thanked_as_one_and_nobody_else_is() -> None:
    crowd = tuple(f"person {number}" for number in range(CREDITS_NAMED_MAX - 1))
    assert len(named([FinderShare("Crowd", crowd), FinderShare("Lab", ())])) == CREDITS_NAMED_MAX
    assert named([FinderShare("Crowd", crowd), FinderShare("Lab", ("Ada", "Bo"))]) == [
        f"Crowd and the {CREDITS_NAMED_MAX - 1} named in its reports",
        "Ada",
        "Bo",
    ]
    assert named([FinderShare("Lab", ("Ada",)), FinderShare("Crowd", crowd[1:]), FinderShare("Drove", crowd)]) == [
        "Ada",
        *crowd[1:],
        f"Drove and the {CREDITS_NAMED_MAX - 1} named in its reports",
    ]


def test_of_two_that_name_equally_many_the_last_by_name_is_thanked_as_one() -> None:
    half = CREDITS_NAMED_MAX // 2 + 1
    one, other = (tuple(f"{letter}{number}" for number in range(half)) for letter in "ab")
    found = named([FinderShare("B", one), FinderShare("A", other)])
    assert found == [f"B and the {half} named in its reports", *other]


def test_organisations_are_thanked_however_many_they_are() -> None:
    shares = [FinderShare(f"Lab {number}", ()) for number in range(CREDITS_NAMED_MAX + 1)]
    assert named(shares) == [share.organisation for share in shares]


def test_a_version_that_ever_failed_is_affected_and_each_is_shown_by_its_first_run() -> None:
    first, again = Run("5.0.0", Outcome.AFFECTED, "v1"), Run("5.0.0", Outcome.AFFECTED, "v2")
    fixed, failed = Run("5.2.0", Outcome.FIXED, "v1"), Run("5.2.0", Outcome.AFFECTED, "v3")
    assert runs_of([first, fixed, again]) == (first, fixed)
    assert runs_of([first, fixed, again, failed]) == runs_of([first, again, fixed, failed]) == (first, failed)


def test_runs_and_fixes_stand_in_the_order_of_versions() -> None:
    runs = tuple(Run(version, Outcome.AFFECTED, "v") for version in ("5.10.0", "odd one", "5.9.0"))
    runs = (Run("5.12.0", Outcome.FIXED, "v"), *runs, Run("5.11.0", Outcome.FIXED, "v"))
    package = affected_package("pkg:pypi/ujson@5.0.0", runs=runs, spans=_span(introduced="0", fixed="5.2.0"))
    assert [(run.version, run.outcome) for run in package.runs] == [
        ("5.9.0", Outcome.AFFECTED),
        ("5.10.0", Outcome.AFFECTED),
        ("odd one", Outcome.AFFECTED),
        ("5.11.0", Outcome.FIXED),
        ("5.12.0", Outcome.FIXED),
    ]
    assert fixes_in_order(package) == ("5.2.0", "5.11.0", "5.12.0")


def test_no_choice_of_a_finder_is_too_long_or_too_many_for_an_advisory() -> None:
    assert CREDIT_CHARS_MAX >= intake.limits.CREDIT_CHARS_MAX
    folded = credits_of(
        [FinderShare("o" * NAME_CHARS_MAX, tuple(f"{number}" for number in range(10**4)))],
        maintainers=(),
        coordinators=(),
    )
    runs = tuple(Run(f"{number}" + "9" * 3000, Outcome.AFFECTED, "v") for number in range(ITEMS_MAX + 1))
    long_name = Credit("c" * CREDIT_CHARS_MAX, CreditKind.FINDER)
    check_facts(some_facts(credits=(*folded, long_name), packages=(a_package(runs=runs, spans=()),)))


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (_span(introduced="1.34", fixed="5.2.0"), "from 1.34 before 5.2.0"),
        (_span(introduced="0", fixed="2"), "before 2"),
        (_span(introduced="0", last_affected="3.1"), "up to 3.1"),
        (_span(introduced="1", last_affected="3.1"), "from 1 up to 3.1"),
        (_span(introduced="2.0"), "from 2.0 on"),
        (_span(introduced="0"), "every version"),
    ],
)
def test_a_range_is_said_in_words(span: tuple[AffectedSpan, ...], words: str) -> None:
    assert span_text(span[0]) == words


def test_fixed_versions_are_those_run_before_those_entered_each_once() -> None:
    package = a_package(
        runs=(Run("5.2.0", Outcome.FIXED, "v"), Run("5.0.0", Outcome.AFFECTED, "v")),
        spans=(*_span(fixed="5.2.0"), *_span(introduced="2", fixed="6"), *_span(introduced="3")),
    )
    assert package.fixed_versions == ("5.2.0", "6")
