"""An offered model as its developer sees it (windows, who has access, every call) and as a holder does (their own)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from leadtime.doors.read_models.access_log import HOURS_SHOWN, Bar, CallLine, bars_of, line_of
from leadtime.doors.read_models.budgets import Budget, Meter, budget_of, lines_of, meters_of
from leadtime.doors.read_models.pictures import Badge, Event, Step, Tone
from leadtime.doors.read_models.thanks import Thanks, read_thanks
from leadtime.flow import assessment, gateway, parties, window
from leadtime.flow.assessment import Designation
from leadtime.flow.gateway import AlarmSeen, Amount, CallId
from leadtime.flow.parties import Person
from leadtime.flow.window import (
    Agreement,
    Disposition,
    Entry,
    EntryState,
    Grant,
    GrantId,
    Limits,
    Model,
    ModelId,
    ModelState,
    RecordMode,
    Return,
    Standing,
    Window,
    WindowEvent,
    WindowState,
)
from leadtime.foundation.access import Act, Relation, Role, may
from leadtime.foundation.database import Transaction

CALLS_SHOWN = 50
EVENTS_SHOWN = 30

STATES: Mapping[ModelState, Badge] = {
    ModelState.ENROLLED: Badge("enrolled", Tone.PLAIN),
    ModelState.OFFERED: Badge("offered", Tone.GOOD),
    ModelState.WITHDRAWN: Badge("withdrawn", Tone.WARM),
    ModelState.RELEASED: Badge("released", Tone.COOL),
}
WINDOW_STATES: Mapping[WindowState, Badge] = {
    WindowState.OPEN: Badge("open", Tone.GOOD),
    WindowState.EXPIRED: Badge("over", Tone.PLAIN),
    WindowState.WITHDRAWN: Badge("withdrawn", Tone.WARM),
    WindowState.RELEASED: Badge("released", Tone.COOL),
}


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model in a list: its state, and how many of its windows are open."""

    id: ModelId
    name: str
    developer: str
    state: Badge
    open_windows: int
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class WindowCard:
    """One window as a bar: how much of it is over, in percent."""

    id: UUID
    kind: str
    state: Badge
    open: bool
    opened_at: datetime
    ends_at: datetime
    over: float


@dataclass(frozen=True, slots=True)
class GrantCard:
    """One person's access: what for, what is used of it, until when, and what its holder signed when it was over.

    ``over`` says why it is; empty while it stands.
    """

    id: GrantId
    organisation: str
    person: str
    purpose: str
    variants: str
    networks: str
    bound: bool
    ends_at: datetime
    over: str
    mine: bool
    meters: tuple[Meter, ...]
    returned: Return | None


@dataclass(frozen=True, slots=True)
class AgreementCard:
    """One agreement in its newest version, all of it in words."""

    instrument: str
    organisation: str
    version: int
    agreed_at: datetime
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One organisation that was proposed or joined."""

    id: UUID
    organisation: str
    state: Badge
    proposed: bool
    over: bool


@dataclass(frozen=True, slots=True)
class OwnAccess:
    """What a holder gives its own people access within: for these purposes, to these people."""

    entry: UUID
    instrument: str
    purposes: tuple[str, ...]
    may_propose: bool
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A model's page; what only its developer sees is empty for everybody else."""

    model: Model
    state: Badge
    steps: tuple[Step, ...]
    is_developer: bool
    may_offer: bool
    known: tuple[tuple[UUID, str], ...]
    windows: tuple[WindowCard, ...]
    agreements: tuple[AgreementCard, ...]
    sealed: bool
    keeps_key: bool
    key: str | None
    designations: tuple[Designation, ...]
    entries: tuple[EntryLine, ...]
    own: tuple[OwnAccess, ...]
    grants: tuple[GrantCard, ...]
    calls: tuple[CallLine, ...]
    older: UUID | None
    hours: tuple[Bar, ...]
    alarms: tuple[AlarmSeen, ...]
    history: tuple[Event, ...]
    log: str
    budgets: tuple[Budget, ...]
    thanks: Thanks | None
    dispositions: tuple[str, ...] = tuple(each.value for each in Disposition)


def read_models(tx: Transaction) -> tuple[ModelLine, ...]:
    """Return the models that the viewer enrolled or that are offered to it."""
    return tuple(_line(tx, model) for model in window.list_models(tx))


def read_model_page(tx: Transaction, model: ModelId, *, before: CallId | None = None) -> ModelPage:
    """Return a model's page for the viewer, its calls from the one before ``before`` on; raises `Missing`."""
    found = window.read_model(tx, model)
    windows = window.list_windows(tx, model)
    agreements = window.list_agreements(tx, model)
    entries = window.list_entries(tx, model)
    used = gateway.used_by_grants(tx, model)
    houses: dict[UUID, str] = {each.organisation: each.organisation_name for each in agreements}
    houses |= {each.organisation: each.organisation_name for each in entries}
    given = [each for one in windows for each in window.list_grants(tx, one.id)]
    returns = {each.grant: each for one in windows for each in window.list_returns(tx, one.id)}
    with tx.as_system() as system:
        standing = window.standings(system, [each.id for each in given])
    people: dict[UUID, str] = {each.person: each.person_name for each in given}
    is_developer = tx.viewer.role is Role.DEVELOPER
    keeps_key = may(tx.viewer.role, Act.KEEP_SEALING_KEY, Relation.OWN)
    since = tx.now - timedelta(hours=HOURS_SHOWN)
    calls = gateway.list_calls(tx, model, before=before, rows_max=CALLS_SHOWN)
    return ModelPage(
        model=found,
        state=STATES[found.state],
        steps=_steps(found),
        is_developer=is_developer,
        may_offer=is_developer and found.state is not ModelState.RELEASED,
        known=tuple(houses.items()) if is_developer else (),
        windows=tuple(_window(each, tx.now) for each in windows),
        agreements=tuple(_agreement(each) for each in agreements),
        sealed=any(each.terms.record_mode is RecordMode.SEALED for each in agreements),
        keeps_key=keeps_key,
        key=gateway.read_sealing_key(tx) if keeps_key else None,
        designations=assessment.list_designations(tx, model),
        entries=tuple(_entry(each) for each in entries) if is_developer else (),
        own=() if is_developer else _own(tx, entries, agreements, windows),
        grants=tuple(
            _grant(
                tx,
                each,
                standing[each.id],
                house=houses.get(each.organisation, ""),
                used=used.get(each.id),
                signed=returns.get(each.id),
            )
            for each in given
        ),
        calls=tuple(line_of(each, people, houses) for each in calls),
        older=calls[-1].id if len(calls) == CALLS_SHOWN else None,
        hours=bars_of(gateway.calls_by_hour(tx, model, since=since), tx.now),
        alarms=gateway.list_alarms(tx, model) if is_developer else (),
        history=_history(window.history_of(tx, model), houses, found.developer_name),
        log=str(window.log_of(model)),
        budgets=tuple(budget_of(each, given, used) for each in agreements if each.terms.limits != Limits()),
        thanks=read_thanks(tx, found.name, {each.organisation for each in entries}) if is_developer else None,
    )


def _line(tx: Transaction, model: Model) -> ModelLine:
    still_open = [each for each in window.list_windows(tx, model.id) if each.state is WindowState.OPEN]
    return ModelLine(
        id=model.id,
        name=model.name,
        developer=model.developer_name,
        state=STATES[model.state],
        open_windows=len(still_open),
        ends_at=max((each.ends_at for each in still_open), default=None),
    )


def _steps(model: Model) -> tuple[Step, ...]:
    """Return the developer's own dates as a line; each is planned, and its to move."""
    plan = model.milestones
    return (
        Step("enrolled", done=True, now=model.state is ModelState.ENROLLED, at=model.enrolled_at),
        Step("offered early", done=model.state is not ModelState.ENROLLED, now=model.state is ModelState.OFFERED),
        Step("partner release (planned)", done=False, now=False, at=plan.partner_release_at),
        Step(
            "public release" if model.state is ModelState.RELEASED else "public release (planned)",
            done=model.state is ModelState.RELEASED,
            now=model.state is ModelState.RELEASED,
            at=plan.public_release_at,
        ),
    )


def _window(found: Window, now: datetime) -> WindowCard:
    whole = (found.ends_at - found.opened_at).total_seconds()
    over = (min(now, found.ends_at) - found.opened_at).total_seconds()
    return WindowCard(
        id=found.id,
        kind=found.kind.value,
        state=WINDOW_STATES[found.state],
        open=found.state is WindowState.OPEN,
        opened_at=found.opened_at,
        ends_at=found.ended_at or found.ends_at,
        over=round(100 * over / whole, 1) if whole > 0 else 100.0,
    )


def _agreement(found: Agreement) -> AgreementCard:
    return AgreementCard(
        instrument=found.terms.instrument,
        organisation=found.organisation_name,
        version=found.version,
        agreed_at=found.agreed_at,
        lines=lines_of(found.terms),
    )


def _own(
    tx: Transaction, entries: Iterable[Entry], agreements: Iterable[Agreement], windows: Iterable[Window]
) -> tuple[OwnAccess, ...]:
    """Return what the viewer's organisation may give its people now."""
    house = tx.viewer.organisation
    terms = {each.id: each.terms for each in agreements}
    still_open = {each.id for each in windows if each.state is WindowState.OPEN}
    mine = [
        each
        for each in entries
        if (each.organisation, each.state) == (house, EntryState.JOINED) and each.window in still_open
    ]
    people = parties.list_people(tx, mine[0].organisation) if mine else ()
    return tuple(
        OwnAccess(each.id, agreed.instrument, agreed.purposes, agreed.agency_may_propose, people)
        for each in mine
        if each.agreement and (agreed := terms.get(each.agreement))
    )


def _entry(found: Entry) -> EntryLine:
    tones = {EntryState.PROPOSED: Tone.ASK, EntryState.JOINED: Tone.GOOD}
    badge = Badge(found.state.value, tones.get(found.state, Tone.PLAIN))
    return EntryLine(
        found.id, found.organisation_name, badge, found.state is EntryState.PROPOSED, found.state not in tones
    )


def _grant(
    tx: Transaction, found: Grant, standing: Standing, *, house: str, used: Amount | None, signed: Return | None
) -> GrantCard:
    ending = window.standing_at(standing, tx.now)
    return GrantCard(
        id=found.id,
        organisation=house,
        person=found.person_name,
        purpose=found.purpose,
        variants=", ".join(found.variants) or "all that were agreed",
        networks=", ".join(found.networks) or "as agreed",
        bound=found.key_thumbprint is not None,
        ends_at=standing.ends_at,
        over=ending.value if ending else "",
        mine=found.person == tx.viewer.person,
        meters=meters_of(found.limits, used or Amount()),
        returned=signed if signed is not None and signed.disposition is not None else None,
    )


def _history(events: Iterable[WindowEvent], houses: Mapping[UUID, str], developer: str) -> tuple[Event, ...]:
    """Return the newest lines, newest first."""
    lines = []
    for each in events:
        who = houses.get(each.organisation, developer) if each.organisation else "Leadtime"
        about = houses.get(each.concerns, "") if each.concerns and each.concerns != each.organisation else ""
        about = "" if each.note.startswith(about) else about
        what = ": ".join(part for part in (each.kind.value.replace("-", " "), about, each.note) if part)
        lines.append(Event(each.at, who, what))
    return tuple(reversed(lines[-EVENTS_SHOWN:]))
