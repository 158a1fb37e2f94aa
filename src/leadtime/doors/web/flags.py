"""The page of what keeps an organisation's people away: conflicts of interest, and marks for foreign access."""

from __future__ import annotations

from starlette.responses import Response

from leadtime.doors.read_models.flags import read_flags
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import parties
from leadtime.flow.parties import ConflictId, OrganisationId, PersonId
from leadtime.foundation.ids import parse_id
from leadtime.foundation.voluntary import NOTICE

HERE = "/flags"


def show_flags(ask: PageAsk) -> Response:
    """Show what keeps people of the visitor's organisation away."""
    ask.signed_in()
    with ask.transaction() as tx:
        page = read_flags(tx)
    return ask.page("flags.html", here=HERE, page=page, notice=NOTICE)


def state_conflict(ask: PageAsk) -> Response:
    """State a conflict of interest of a person, or of the whole organisation."""
    house = _own(ask)
    about = ask.form.get("person", "").strip()
    developer = OrganisationId(parse_id(ask.field("developer"), where="developer"))
    person = PersonId(parse_id(about, where="person")) if about else None
    with ask.transaction() as tx:
        parties.state_conflict(
            tx, organisation=house, person=person, developer=developer, reason=ask.form.get("reason", "")
        )
    return see_other(HERE)


def end_conflict(ask: PageAsk) -> Response:
    """End a conflict of interest."""
    ask.signed_in()
    found = ConflictId(parse_id(ask.request.path_params["conflict"], where="conflict"))
    with ask.transaction() as tx:
        parties.end_conflict(tx, found)
    return see_other(HERE)


def mark_person(ask: PageAsk) -> Response:
    """Mark a person for foreign access, or end the mark."""
    ask.signed_in()
    person = PersonId(parse_id(ask.request.path_params["person"], where="person"))
    with ask.transaction() as tx:
        parties.mark_person(tx, person, foreign_access=ask.field("foreign_access") == "yes")
    return see_other(HERE)


def mark_organisation(ask: PageAsk) -> Response:
    """Mark the whole organisation for foreign access, or end the mark."""
    house = _own(ask)
    with ask.transaction() as tx:
        parties.mark_organisation(tx, house, foreign_access=ask.field("foreign_access") == "yes")
    return see_other(HERE)


def _own(ask: PageAsk) -> OrganisationId:
    return OrganisationId(parse_id(str(ask.signed_in().organisation), where="organisation"))
