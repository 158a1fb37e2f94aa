"""What a gateway asks before and during every call: does this credential stand, and for what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from leadtime.flow import parties
from leadtime.flow.parties import OrganisationId, Person, PersonId
from leadtime.flow.window.read import limits_from, milestones_from, terms_from, variants_of
from leadtime.flow.window.records import (
    AgreementId,
    GrantId,
    Holder,
    Holding,
    ModelId,
    Standing,
    Variant,
    WindowId,
)
from leadtime.flow.window.rules import covered, ending_of, standing_end
from leadtime.flow.window.tables import (
    UPSTREAM_ADDRESS,
    UPSTREAM_CREDENTIAL,
    agreements,
    grants,
    model_upstreams,
    models,
    window_entries,
    windows,
)
from leadtime.flow.window.vocabulary import EntryState, WindowKind, WindowState, WireFormat
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused

STANDINGS_MAX = 20_000
"""Grants that are read at once; no gateway process keeps more credentials in mind."""

STILL_OPEN = """join window_entries e
    on e.id = g.entry and g.hash is not null and g.ended_at is null and e.state = 'joined'
    join windows w on w.id = g.window_id and w.state = 'open'"""
"""What leaves those of ``grants g`` that nobody has ended, for a gateway's own transaction; `standings` tells all."""

_QUERY = (
    select(
        grants,
        window_entries.c.state.label("entry_state"),
        window_entries.c.agreement,
        windows.c.kind,
        windows.c.state.label("window_state"),
        windows.c.ends_at.label("window_ends_at"),
        models.c.name.label("model_name"),
        models.c.wire_format,
        models.c.partner_release_at,
        models.c.public_release_at,
        model_upstreams.c.address,
    )
    .join_from(grants, window_entries, window_entries.c.id == grants.c.entry)
    .join(windows, windows.c.id == grants.c.window_id)
    .join(models, models.c.id == grants.c.model)
    .join(model_upstreams, model_upstreams.c.model == grants.c.model)
)


def find_standings(tx: Transaction, secret_hashes: Collection[bytes]) -> Mapping[bytes, Standing]:
    """Return, by the `keys.token_hash` of its credential, how each grant stands (at most `STANDINGS_MAX`), read anew.

    In a transaction of the system. What it returns may be over: ask `rules.standing_at`. Where there is no such
    credential, or it was replaced, there is no standing.
    """
    found = _read(tx, _QUERY.where(grants.c.hash.in_(list(secret_hashes)[:STANDINGS_MAX])))
    return {bytes(row["hash"]): standing for row, standing in found}


def standings(tx: Transaction, wanted: Collection[GrantId]) -> Mapping[GrantId, Standing]:
    """Return how grants stand (at most `STANDINGS_MAX`), read anew; in a transaction of the system."""
    found = _read(tx, _QUERY.where(grants.c.id.in_(list(wanted)[:STANDINGS_MAX])))
    return {standing.grant: standing for _, standing in found}


def open_upstream_credential(tx: Transaction, model: ModelId) -> str:
    """Return the credential that a hosted model's upstream wants; only to Leadtime's own processes, never to a door.

    Raises `Refused` for any person, the developer's own included.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("an upstream credential is opened by the gateway alone", next_step="Enrol the model anew.")
    sealed = tx.connection.scalar(select(model_upstreams.c.credential).where(model_upstreams.c.model == model))
    if sealed is None:
        raise Missing("there is no such upstream", where=str(model), next_step="Check the id.")
    return tx.unseal(model, UPSTREAM_CREDENTIAL, sealed).decode()


@dataclass(frozen=True, slots=True)
class _Around:
    """What grants hang on besides their own rows, read once for all of them."""

    agreements: Mapping[UUID, RowMapping]
    people: Mapping[PersonId, Person]
    variants: Mapping[ModelId, tuple[Variant, ...]]
    upstreams: Mapping[ModelId, str]


def _read(tx: Transaction, query: Select[tuple[object, ...]]) -> list[tuple[RowMapping, Standing]]:
    rows = tx.connection.execute(query).mappings().all()
    around = _Around(
        agreements=_newest_agreements(tx, {row["agreement"] for row in rows}),
        people=parties.read_people(tx, {PersonId(row["person"]) for row in rows}),
        variants=variants_of(tx, frozenset(ModelId(row["model"]) for row in rows)),
        upstreams={
            model: tx.unseal(model, UPSTREAM_ADDRESS, sealed).decode()
            for model, sealed in {ModelId(row["model"]): row["address"] for row in rows}.items()
        },
    )
    return [(row, _standing(row, around)) for row in rows]


def _newest_agreements(tx: Transaction, wanted: Collection[UUID]) -> Mapping[UUID, RowMapping]:
    query = (
        select(agreements)
        .ext(distinct_on(agreements.c.id))
        .where(agreements.c.id.in_(wanted))
        .order_by(agreements.c.id, agreements.c.version.desc())
    )
    return {row["id"]: row for row in tx.connection.execute(query).mappings()}


def _standing(row: RowMapping, around: _Around) -> Standing:
    model, agreement = ModelId(row["model"]), around.agreements[row["agreement"]]
    holding = _holding(row, around)
    return Standing(
        grant=GrantId(row["id"]),
        window=WindowId(row["window_id"]),
        kind=holding.kind,
        model=model,
        model_name=row["model_name"],
        developer=holding.developer,
        organisation=OrganisationId(row["organisation"]),
        person=PersonId(row["person"]),
        agreement=AgreementId(row["agreement"]),
        agreement_version=agreement["version"],
        purpose=row["purpose"],
        barred=holding.terms.barred,
        variants=covered(around.variants[model], tuple(row["variants"]), holding.terms.variants),
        limits=limits_from(row),
        budget=holding.terms.limits,
        networks=(tuple(row["networks"]), holding.terms.networks),
        key_thumbprint=row["key_thumbprint"],
        record_mode=holding.terms.record_mode,
        wire_format=WireFormat(row["wire_format"]),
        upstream=around.upstreams[model],
        begins_at=row["granted_at"],
        ends_at=standing_end(holding),
        ended=ending_of(holding),
    )


def _holding(row: RowMapping, around: _Around) -> Holding:
    person = around.people.get(PersonId(row["person"]))
    return Holding(
        window_state=WindowState(row["window_state"]),
        window_ends_at=row["window_ends_at"],
        entry_state=EntryState(row["entry_state"]),
        granted_at=row["granted_at"],
        grant_ends_at=row["ends_at"],
        grant_ended_at=row["ended_at"],
        person=None if person is None else Holder(person.works_until, person.conflicts, person.foreign_access),
        developer=OrganisationId(row["developer"]),
        purpose=row["purpose"],
        terms=terms_from(around.agreements[row["agreement"]]),
        milestones=milestones_from(row),
        kind=WindowKind(row["kind"]),
    )
