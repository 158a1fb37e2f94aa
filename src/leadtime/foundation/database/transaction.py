"""A transaction that knows who asks, what time it is and which keys open what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, OperationalError

from leadtime.foundation import keys as crypto
from leadtime.foundation.access import SYSTEM, Act, Relation, Role, Viewer, relation_to_own, require
from leadtime.foundation.clock import Clock
from leadtime.foundation.database.schema import data_keys, relations
from leadtime.foundation.errors import Missing, Refused, Unavailable
from leadtime.foundation.keys import KeyRing
from leadtime.foundation.markings import Marking

_SET_VIEWER = text(
    "select set_config('leadtime.role', :role, true), set_config('leadtime.organisation', :organisation, true)"
)


def set_viewer(connection: Connection, viewer: Viewer) -> None:
    """Tell the policies who asks from here on, until the transaction ends."""
    organisation = str(viewer.organisation) if viewer.organisation and viewer.role is not Role.SYSTEM else ""
    connection.execute(_SET_VIEWER, {"role": viewer.role.value, "organisation": organisation})


@dataclass(frozen=True, slots=True)
class Transaction:
    """One database transaction of one viewer; every verb takes one and leaves commit and rollback to its opener.

    ``marked_text``: the markings (`markings.check_unmarked`) whose text this installation may hold. ``unsealed``: whose
    sealed content was opened so far.
    """

    connection: Connection
    viewer: Viewer
    clock: Clock
    keys: KeyRing
    marked_text: frozenset[Marking] = frozenset()
    unsealed: set[UUID] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        """Return the clock's current instant."""
        return self.clock.now()

    @contextmanager
    def as_system(self) -> Iterator[Transaction]:
        """Lend a verb the system's eyes for what its viewer may not see, in this same transaction.

        Only for a verb that has asked access, and only around the one look or row that needs it: inside the block
        neither the access rule nor the policies hold anybody back. The viewer is back after it, whatever was raised.
        """
        set_viewer(self.connection, SYSTEM)
        try:
            yield replace(self, viewer=SYSTEM)
        except DBAPIError:
            raise  # the transaction is over: nothing more can be asked in it, as anybody
        except BaseException:
            set_viewer(self.connection, self.viewer)
            raise
        set_viewer(self.connection, self.viewer)

    def relation_to(self, entity: UUID) -> Relation:
        """Return how the viewer's organisation stands to ``entity``; STRANGER if nothing says otherwise."""
        found = self.connection.scalar(
            select(relations.c.relation).where(
                relations.c.entity == entity, relations.c.organisation == self.viewer.organisation
            )
        )
        return Relation(found) if found else Relation.STRANGER

    def require(self, act: Act, entity: UUID | None = None, *, about: UUID | None = None) -> None:
        """Return if the viewer may do ``act`` to ``entity`` (None: to its own), else raise as `access.require`.

        ``about`` is the developer whose thing it is, where it is one's: a conflict of interest hides it.
        """
        relation = relation_to_own(self.viewer) if entity is None else self.relation_to(entity)
        require(self.viewer, act, relation, about=about)

    def relate(self, entity: UUID, organisation: UUID, relation: Relation) -> None:
        """Record a relation before the entity's own rows are written (their policies look for it); once is enough."""
        row = {"entity": entity, "organisation": organisation, "relation": relation.value}
        self.connection.execute(upsert(relations).values(row).on_conflict_do_nothing())

    def unrelate(self, entity: UUID, organisation: UUID) -> None:
        """Forget that an organisation takes part in ``entity``; its own things stay its own."""
        mine = (relations.c.entity == entity) & (relations.c.organisation == organisation)
        self.connection.execute(delete(relations).where(mine, relations.c.relation == Relation.PARTICIPANT.value))

    def lock(self, domain: str, value: str) -> None:
        """Wait until no other transaction holds the lock of ``value`` in ``domain``; held to the end of this one.

        Its number is keyed, so that the database does not tell what is locked.
        """
        number = int.from_bytes(self.keys.blind(f"lock.{domain}", value)[:8], signed=True)
        self.connection.execute(select(func.pg_advisory_xact_lock(number)))

    def seal(self, entity: UUID, column: str, plaintext: bytes) -> bytes:
        """Return ``plaintext`` sealed under the entity's own data key, which is made on first use."""
        key = self._find_data_key(entity) or self._make_data_key(entity)
        return crypto.seal(key, plaintext, context=f"{column}:{entity}")

    def unseal(self, entity: UUID, column: str, sealed: bytes) -> bytes:
        """Return what `seal` closed for that entity and column; raises `Missing` if the viewer cannot see the key."""
        key = self._find_data_key(entity)
        if key is None:
            raise Missing("there is no such thing that you may see", next_step="Check who you are signed in as.")
        self.unsealed.add(entity)
        return crypto.unseal(key, sealed, context=f"{column}:{entity}")

    def unseal_all(self, entity: UUID, column: str, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """Give what `seal` closed several times for one entity and column, looking its key up once."""
        key = self._find_data_key(entity)
        if key is not None:
            self.unsealed.add(entity)
            for each in sealed:
                yield crypto.unseal(key, each, context=f"{column}:{entity}")

    def rewrap(self, entity: UUID, under: UUID) -> None:
        """Wrap the entity's data key under the data key of ``under`` (a case), whose loss then closes both."""
        key, outer = self._find_data_key(entity), self._find_data_key(under)
        if key is None or outer is None:
            raise Missing(
                "a data key to wrap is not there", where=str(entity), next_step="Seal something for both first."
            )
        wrapped = crypto.seal(outer, key, context=f"key:{entity}:{under}")
        self.connection.execute(
            data_keys.update().where(data_keys.c.entity == entity).values(wrapped_by=under, wrapped=wrapped)
        )

    def _make_data_key(self, entity: UUID) -> bytes:
        """Return the entity's data key, made now, or by another transaction at the same time."""
        fresh = crypto.new_data_key()
        wrapped = crypto.seal(self.keys.wrapping, fresh, context=f"key:{entity}:None")
        row = {"entity": entity, "wrapped_by": None, "wrapped": wrapped}
        making = upsert(data_keys).values(row).on_conflict_do_nothing().returning(data_keys.c.entity)
        made = self.connection.execute(making).one_or_none() is not None
        key = fresh if made else self._find_data_key(entity)
        if key is None:
            raise Missing("there is no such thing that you may see", next_step="Check who you are signed in as.")
        return key

    def _find_data_key(self, entity: UUID) -> bytes | None:
        """Return the entity's data key, opened through the one that wraps it (one level: cases are wrapped by none)."""
        row = self.connection.execute(
            select(data_keys.c.wrapped_by, data_keys.c.wrapped).where(data_keys.c.entity == entity)
        ).one_or_none()
        if row is None:
            return None
        wrapped_by, wrapped = row
        outer = self.keys.wrapping if wrapped_by is None else self._find_data_key(wrapped_by)
        return outer and crypto.unseal(outer, wrapped, context=f"key:{entity}:{wrapped_by}")


NoteReads = Callable[[Transaction], None]
"""Records, in a person's transaction, that it opened the content of ``unsealed`` (I3)."""


@dataclass(frozen=True, slots=True)
class Database:
    """The pool of one process, as the role ``app``, with the clock and the keys that its transactions carry.

    Without ``note_reads`` no person's transaction that opened sealed content commits.
    """

    engine: Engine
    clock: Clock
    keys: KeyRing
    marked_text: frozenset[Marking] = frozenset()
    note_reads: NoteReads | None = None

    @contextmanager
    def transaction(self, viewer: Viewer) -> Iterator[Transaction]:
        """Open a transaction of ``viewer``; commits at the end of the block, rolls back on any exception.

        Raises `Unavailable` for what the database cannot do just now: it is away, its disk is full, a lock is not free.
        """
        try:
            with self.engine.begin() as connection:
                set_viewer(connection, viewer)
                tx = Transaction(connection, viewer, self.clock, self.keys, self.marked_text)
                yield tx
                if tx.unsealed and viewer.role is not Role.SYSTEM:
                    self._note(tx)
        except (OperationalError, psycopg.OperationalError) as error:
            raise _not_now(error) from error

    def _note(self, tx: Transaction) -> None:
        if self.note_reads is None:
            raise Refused(
                "sealed content is read only where reads are recorded", next_step="Open the database with note_reads."
            )
        self.note_reads(tx)


def _not_now(error: OperationalError | psycopg.OperationalError) -> Unavailable:
    kind = type(error.orig if isinstance(error, OperationalError) else error).__name__
    return Unavailable(f"the database cannot do this now ({kind})", next_step="Try again; if it stays so, look at it.")
