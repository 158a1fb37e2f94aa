"""A developer with a model, an agency, a partner, and windows that are open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from leadtime.flow import window
from leadtime.flow.parties import Organisation, Person
from leadtime.flow.window import (
    Agreement,
    Entry,
    Grant,
    GrantWanted,
    Limits,
    Milestones,
    Model,
    Terms,
    Upstream,
    Variant,
    Window,
    WindowKind,
    WireFormat,
)
from leadtime.foundation.access import Role, Viewer
from leadtime.foundation.database import Database
from tests.flow.parties.factories import enrol

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)

VARIANTS = (
    Variant("safeguards-on", "orion-1-upstream", "sha256:" + "0a" * 32, 2_000_000, 8_000_000),  # type: ignore[arg-type]
    Variant("reduced", "orion-1-reduced"),
)
UPSTREAM = Upstream("http://127.0.0.1:9999/v1", "sk-upstream")
TERMS = Terms(instrument="CRADA 26-117", purposes=("find flaws", "measure cyber capability"))
WANTED = GrantWanted(purpose="find flaws")


@dataclass(frozen=True)
class Party:
    """One organisation with one person, and the viewer that the person is."""

    organisation: Organisation
    person: Person
    viewer: Viewer


def party(database: Database, role: Role, name: str = "") -> Party:
    return Party(*enrol(database, role, name))


def a_model(database: Database, developer: Party, name: str = "orion-1", **wanted: object) -> Model:
    with database.transaction(developer.viewer) as tx:
        return window.enrol_model(
            tx,
            name=name,
            variants=wanted.pop("variants", VARIANTS),  # type: ignore[arg-type]
            upstream=wanted.pop("upstream", UPSTREAM),  # type: ignore[arg-type]
            wire_format=WireFormat.OPENAI,
            **wanted,  # type: ignore[arg-type]
        )


def an_agreement(database: Database, developer: Party, model: Model, holder: Party, terms: Terms = TERMS) -> Agreement:
    with database.transaction(developer.viewer) as tx:
        return window.agree(tx, model.id, holder.organisation.id, terms)


@dataclass(frozen=True)
class Offer:
    """An open government window with one agency in it."""

    developer: Party
    agency: Party
    model: Model
    agreement: Agreement
    window: Window
    entry: Entry


def an_offer(database: Database, *, terms: Terms = TERMS, name: str = "") -> Offer:
    developer = party(database, Role.DEVELOPER, name and f"Developer {name}")
    agency = party(database, Role.AGENCY, name and f"Agency {name}")
    model = a_model(database, developer)
    agreement = an_agreement(database, developer, model, agency, terms)
    with database.transaction(developer.viewer) as tx:
        opened = window.open_window(tx, model.id, WindowKind.GOVERNMENT)
        entry = window.offer_to(tx, opened.id, agreement.id)
    return Offer(developer, agency, model, agreement, opened, entry)


def a_grant(database: Database, offer: Offer, wanted: GrantWanted = WANTED) -> tuple[Grant, str]:
    """A grant to the agency's person, with the credential that the person drew."""
    with database.transaction(offer.agency.viewer) as tx:
        made = window.grant(tx, offer.entry.id, offer.agency.person.id, wanted)
        return made, window.issue_credential(tx, made.id).secret


def a_partner_window(database: Database, developer: Party, model: Model, *, days: int = 60) -> Window:
    """An open partner window: the partner release is now."""
    with database.transaction(developer.viewer) as tx:
        now = tx.now
        window.set_milestones(tx, model.id, Milestones(partner_release_at=now))
        return window.open_window(tx, model.id, WindowKind.PARTNER, ends_at=now + days * DAY)


def limited(**limits: int) -> GrantWanted:
    return replace(WANTED, limits=Limits(**limits))
