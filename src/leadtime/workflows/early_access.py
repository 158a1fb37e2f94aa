"""What half A does in several of its verbs at once, and what surrounds each at every door: a refusal leaves a leaf."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from leadtime.flow import window
from leadtime.flow.parties import OrganisationId
from leadtime.flow.window import Entry, EntryState, ModelId, Terms, WindowKind, WindowState
from leadtime.foundation.access import SYSTEM, Viewer
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import Refused


@contextmanager
def leaving_refusals(database: Database, viewer: Viewer, thing: UUID) -> Iterator[None]:
    """Let a refusal through, after leaving a leaf of it in the model's log.

    ``thing`` is the model, or the window, agreement, entry or grant, that was asked about. The leaf is committed by a
    transaction of its own, since the refused one is rolled back.
    """
    try:
        yield
    except Refused as refusal:
        with database.transaction(SYSTEM) as tx:
            window.note_refusal(tx, thing, viewer, str(refusal))
        raise


def offer_on_terms(
    tx: Transaction,
    model: ModelId,
    organisation: OrganisationId,
    kind: WindowKind,
    terms: Terms,
    *,
    ends_at: datetime | None = None,
) -> Entry:
    """Agree with an organisation and let it into the model's open window of a kind, which is opened if there is none.

    ``ends_at`` is for a window that is opened; None: as late as it can end. A partner that an agency proposed is
    thereby consented to. Raises what the verbs of *window* do, and then nothing of it was done.
    """
    agreed = window.agree(tx, model, organisation, terms)
    still_open = [one for one in window.list_windows(tx, model) if (one.kind, one.state) == (kind, WindowState.OPEN)]
    chosen = still_open[0] if still_open else window.open_window(tx, model, kind, ends_at=ends_at)
    if kind is WindowKind.GOVERNMENT:
        return window.offer_to(tx, chosen.id, agreed.id)
    proposals = [
        entry
        for entry in window.list_entries(tx, model)
        if entry.organisation == organisation and entry.state is EntryState.PROPOSED
    ]
    proposed = proposals[0] if proposals else window.propose_partner(tx, model, organisation)
    return window.consent(tx, proposed.id, chosen.id, agreed.id)
