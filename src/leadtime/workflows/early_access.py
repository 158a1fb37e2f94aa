"""What surrounds a verb of half A at every door: a request that is refused leaves a leaf too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from leadtime.flow import window
from leadtime.foundation.access import SYSTEM, Viewer
from leadtime.foundation.database import Database
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
