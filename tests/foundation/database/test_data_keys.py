"""An entity has one data key, whoever seals something of it first."""

from __future__ import annotations

from uuid import uuid4

from leadtime.foundation.access import SYSTEM


def test_of_two_that_make_an_entitys_key_at_once_both_use_the_one_that_is_kept(database):
    entity = uuid4()
    with database.transaction(SYSTEM) as tx:
        sealed = tx.seal(entity, "a.b", b"first")
    with database.transaction(SYSTEM) as tx:
        # What a transaction comes to that looked for the key before the other committed it.
        assert tx._make_data_key(entity) == tx._find_data_key(entity)
        assert tx.unseal(entity, "a.b", sealed) == b"first"
