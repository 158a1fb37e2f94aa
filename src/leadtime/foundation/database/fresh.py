"""Many fresh entities of the viewer's organisation at once: what `Transaction` does for one, in one statement each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from leadtime.foundation import keys as crypto
from leadtime.foundation.access import Relation
from leadtime.foundation.database.transaction import Transaction

_RELATE_ALL = text(
    "insert into relations (entity, organisation, relation) select given.entity, :organisation, :relation "
    "from unnest(cast(:entities as uuid[])) as given(entity)"
)
_KEEP_KEYS = text(
    "insert into data_keys (entity, wrapped_by, wrapped) select given.entity, null, given.wrapped "
    "from unnest(cast(:entities as uuid[]), cast(:wrapped as bytea[])) as given(entity, wrapped)"
)


@dataclass(frozen=True, slots=True, repr=False)
class FreshKey:
    """The data key of an entity that had none; it opens with `Transaction.unseal`."""

    entity: UUID
    key: bytes

    def seal(self, column: str, plaintext: bytes) -> bytes:
        """Return ``plaintext`` sealed as `Transaction.seal` does."""
        return crypto.seal(self.key, plaintext, context=f"{column}:{self.entity}")


def own_all(tx: Transaction, entities: Sequence[UUID]) -> Mapping[UUID, FreshKey]:
    """Make fresh entities the viewer's organisation's own, before their rows are written, and return their data keys.

    The relations are written, the keys kept wrapped; an entity that has either fails the transaction.
    """
    row = {"entities": list(entities), "organisation": tx.viewer.organisation, "relation": Relation.OWN.value}
    tx.connection.execute(_RELATE_ALL, row)
    fresh = {entity: FreshKey(entity, crypto.new_data_key()) for entity in entities}
    wrapped = [crypto.seal(tx.keys.wrapping, each.key, context=f"key:{each.entity}:None") for each in fresh.values()]
    tx.connection.execute(_KEEP_KEYS, {"entities": list(fresh), "wrapped": wrapped})
    return fresh
