"""After the end: what each holder did with what it had, signed off by that holder."""

from __future__ import annotations

from sqlalchemy import RowMapping, insert, select

from leadtime.flow import parties
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import ROWS_MAX, enter_grant, enter_window
from leadtime.flow.window.records import GrantId, Return, WindowId
from leadtime.flow.window.rules import check_over, check_signer, standing_at
from leadtime.flow.window.standing import standings
from leadtime.flow.window.tables import grants, returns, window_entries
from leadtime.flow.window.terms import check_note
from leadtime.flow.window.vocabulary import Disposition, EventKind
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict

_RETURNS = (
    select(
        grants.c.id,
        grants.c.organisation,
        window_entries.c.organisation_name,
        grants.c.person,
        grants.c.person_name,
        returns.c.disposition,
        returns.c.note,
        returns.c.signed_by,
        returns.c.signed_at,
    )
    .join_from(grants, window_entries, window_entries.c.id == grants.c.entry)
    .outerjoin(returns, returns.c.grant_id == grants.c.id)
    .order_by(grants.c.id)
)


def list_returns(tx: Transaction, window: WindowId) -> tuple[Return, ...]:
    """Return each holder of a window with what it signed off: to the developer all, to others their organisation's."""
    enter_window(tx, Act.READ_MODEL, window)
    rows = tx.connection.execute(_RETURNS.where(grants.c.window_id == window).limit(ROWS_MAX)).mappings()
    return tuple(_return(row) for row in rows)


def sign_off(tx: Transaction, grant: GrantId, disposition: Disposition, *, note: str = "") -> Return:
    """Sign, once, what became of what a grant gave: by its person, or by a colleague where that person is gone.

    Raises `Conflict` while access stands or if it was signed before.
    """
    row = enter_grant(tx, Act.SIGN_OFF_RETURN, grant)
    with tx.as_system() as system:
        standing = standings(system, [grant])[grant]
        gone = not parties.read_people(system, [PersonId(row["person"])])
    check_over(standing_at(standing, tx.now))
    signer = check_signer(tx.viewer.person, row["person"], holder_gone=gone)
    if tx.connection.scalar(select(returns.c.grant_id).where(returns.c.grant_id == grant)) is not None:
        raise Conflict("this return was signed off before", where="grant", next_step="Read the return list.")
    values = {
        "grant_id": grant,
        "developer": row["developer"],
        "organisation": row["organisation"],
        "disposition": disposition.value,
        "note": check_note(note, where="note", held=tx.marked_text),
        "signed_by": signer,
        "signed_at": tx.now,
    }
    tx.connection.execute(insert(returns).values(values))
    told = f"{row['person_name']}: {disposition}"
    remember(tx, Owner.of(row), EventKind.SIGNED_OFF, told, concerns=OrganisationId(row["organisation"]))
    return _return(tx.connection.execute(_RETURNS.where(grants.c.id == grant)).mappings().one())


def _return(row: RowMapping) -> Return:
    return Return(
        grant=GrantId(row["id"]),
        organisation=OrganisationId(row["organisation"]),
        organisation_name=row["organisation_name"],
        person=PersonId(row["person"]),
        person_name=row["person_name"],
        disposition=None if row["disposition"] is None else Disposition(row["disposition"]),
        note=row["note"] or "",
        signed_by=None if row["signed_by"] is None else PersonId(row["signed_by"]),
        signed_at=row["signed_at"],
    )
