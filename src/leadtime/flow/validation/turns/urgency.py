"""Note which waiting reports are about what is exploited now."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import cast, update
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from leadtime.flow.validation.states import State
from leadtime.flow.validation.tables import validations
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.keys import KeyRing

DOMAIN = "validation.cve"


def note_urgency(tx: Transaction, cves: Collection[str]) -> int:
    """Let the reports that wait and name one of ``cves`` take the urgent lane, and return how many are new in it.

    Asks for the right to load a source of facts: those say what is exploited.
    """
    tx.require(Act.LOAD_SOURCE)
    waiting = (validations.c.state == State.QUEUED.value) & ~validations.c.urgent
    named = validations.c.named.overlap(cast(blind_cves(tx.keys, cves), ARRAY(BYTEA)))
    return tx.connection.execute(update(validations).where(waiting, named).values(urgent=True)).rowcount


def blind_cves(keys: KeyRing, cves: Collection[str]) -> list[bytes]:
    """Return the keyed index of each CVE, so that the database does not tell which ones a report names."""
    return [keys.blind(DOMAIN, cve) for cve in sorted(cves)]
