"""Forms of early access: a developer enrols and offers a model, a holder gives its own people access to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from starlette.responses import Response

from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.doors.web.offers import HERE, enrolled_at, refusing
from leadtime.flow import window
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window import (
    EntryId,
    GrantWanted,
    Limits,
    Milestones,
    RecordMode,
    Terms,
    Upstream,
    Variant,
    WindowKind,
    WireFormat,
)
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id
from leadtime.workflows.early_access import offer_on_terms

DIGITS_MAX = 15
MICRO = 1_000_000
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?\Z")

Choice = TypeVar("Choice", RecordMode, WindowKind, WireFormat)


def enrol_model(ask: PageAsk) -> Response:
    """Enrol a model; its page is where it is offered from."""
    ask.signed_in()
    upstream = Upstream(ask.field("upstream"), ask.field("credential"))
    with ask.transaction() as tx:
        model = window.enrol_model(
            tx,
            name=ask.field("name"),
            variants=tuple(_variant(line) for line in _lines(ask, "variants")),
            upstream=upstream,
            wire_format=_choice(ask, "wire_format", WireFormat),
        )
    return see_other(f"{HERE}/{model.id}")


def set_milestones(ask: PageAsk) -> Response:
    """Write both planned dates."""
    planned = Milestones(_instant(ask, "partner_release"), _instant(ask, "public_release"))
    return refusing(ask, enrolled_at(ask), lambda tx: window.set_milestones(tx, enrolled_at(ask), planned))


def offer_model(ask: PageAsk) -> Response:
    """Offer a model to one organisation: agreement, window and entry at once."""
    model, kind = enrolled_at(ask), _choice(ask, "kind", WindowKind)
    house, terms, days = _organisation(ask), _terms(ask), _whole(ask, "days")

    def act(tx: Transaction) -> None:
        ends_at = tx.now + timedelta(days=days) if days else None
        offer_on_terms(tx, model, house, kind, terms, ends_at=ends_at)

    return refusing(ask, model, act)


def propose_partner(ask: PageAsk) -> Response:
    """Propose a partner to the developer's consent."""
    model, house = enrolled_at(ask), _organisation(ask)
    return refusing(ask, model, lambda tx: window.propose_partner(tx, model, house))


def end_entry(ask: PageAsk) -> Response:
    """End an organisation's access, or drop a proposal."""
    entry = _entry(ask)
    return refusing(ask, entry, lambda tx: window.end_entry(tx, entry))


def give_access(ask: PageAsk) -> Response:
    """Give a named person access for a purpose."""
    entry, person = _entry(ask), PersonId(parse_id(ask.field("person"), where="person"))
    wanted = GrantWanted(ask.field("purpose"), limits=_limits(ask), networks=_lines(ask, "networks"))
    return refusing(ask, entry, lambda tx: window.grant(tx, entry, person, wanted))


def _terms(ask: PageAsk) -> Terms:
    return Terms(
        instrument=ask.field("instrument"),
        purposes=_lines(ask, "purposes"),
        variants=_lines(ask, "variants"),
        agency_may_propose=_is_ticked(ask, "agency_may_propose"),
        record_mode=_choice(ask, "record_mode", RecordMode),
        bars_foreign_access=_is_ticked(ask, "bars_foreign_access"),
        foia_exemption_4=_is_ticked(ask, "foia_exemption_4"),
        export_note=ask.form.get("export_note", ""),
        limits=_limits(ask),
        networks=_lines(ask, "networks"),
    )


def _limits(ask: PageAsk) -> Limits:
    return Limits(_whole(ask, "requests"), _whole(ask, "tokens"), _whole(ask, "concurrency"), _money(ask))


def _variant(line: str) -> Variant:
    name, _, rest = (part.strip() for part in line.partition("="))
    upstream_model, _, digest = (part.strip() for part in rest.partition("="))
    return Variant(name, upstream_model or name, Digest(digest) if digest else None)


def _lines(ask: PageAsk, name: str) -> tuple[str, ...]:
    return tuple(filter(None, (line.strip() for line in ask.form.get(name, "").splitlines())))


def _is_ticked(ask: PageAsk, name: str) -> bool:
    return ask.form.get(name) == "yes"


def _whole(ask: PageAsk, name: str) -> int | None:
    """Return a whole number above zero, or None for an empty field."""
    text = ask.form.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > DIGITS_MAX or not int(text):
        raise Malformed("this must be a whole number above zero", where=name, next_step="Write it in digits.")
    return int(text)


def _money(ask: PageAsk) -> int | None:
    """Return an amount in US dollars as millionths of one, or None for an empty field."""
    text = ask.form.get("dollars", "").strip()
    if not text:
        return None
    whole = int(Decimal(text) * MICRO) if _AMOUNT.match(text) else 0
    if whole <= 0:
        raise Malformed("this must be an amount above zero", where="dollars", next_step="Write it like 250 or 12.50.")
    return whole


def _instant(ask: PageAsk, name: str) -> datetime | None:
    """Return an instant in UTC as browsers send them, or None for an empty field."""
    text = ask.form.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(f"{text}+00:00")
    except ValueError:
        raise Malformed("this is not a date", where=name, next_step="Write it like 2026-12-01T09:00.") from None


def _choice(ask: PageAsk, name: str, of: Callable[[str], Choice]) -> Choice:
    try:
        return of(ask.field(name))
    except ValueError:
        raise Malformed("this is none of the choices", where=name, next_step="Choose one.") from None


def _organisation(ask: PageAsk) -> OrganisationId:
    return OrganisationId(parse_id(ask.field("organisation"), where="organisation"))


def _entry(ask: PageAsk) -> EntryId:
    return EntryId(_id(ask, "entry"))


def _id(ask: PageAsk, name: str) -> UUID:
    return parse_id(ask.request.path_params[name], where=name)
