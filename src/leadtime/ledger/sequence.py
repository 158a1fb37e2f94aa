"""The sequencer: turns committed rows into leaves of the tree, and signs it once its tiles are synced (I3).

One turn: indexes are committed; entry bundles and hash tiles are synced; the checkpoint is signed and kept; witnesses
cosign; it is published. A turn that ended anywhere, or failed with its write kept or lost, is made again from what the
database and the disk hold: every step gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select, text

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.ledger.append import note_published, read_log
from leadtime.ledger.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from leadtime.ledger.cosignatures import cosigned_by
from leadtime.ledger.cosigning import NOTHING, Asked, Cosigner, Resting, ask_all, refuse_silence
from leadtime.ledger.disk import Disk, FileDisk
from leadtime.ledger.growth import Edge, bundle, grow, read_edge
from leadtime.ledger.notes import Note, parse_note
from leadtime.ledger.records import Log, Round, TreeHead
from leadtime.ledger.rules import Places, Standing, explain, judge
from leadtime.ledger.signers import KEYS, Signer, make_signers, publish_keys, signing_at
from leadtime.ledger.tables import leaves
from leadtime.ledger.tiles import CHECKPOINT, LEVELS_MAX, WIDTH, Tile, TileTree, read_bundle
from leadtime.ledger.tree import root_at

SIGNED = "signed"
"""The last checkpoint signed: kept before any witness sees it, so that no other can be signed instead."""

LEAVES_PER_TURN_MAX = 4_096
BYTES_PER_TURN_MAX = 32 << 20

SEQUENCING_LOCK = 7_003

_NUMBER = text(
    'update ledger_leaves set "index" = given.place '
    "from unnest(cast(:ids as uuid[]), cast(:places as bigint[])) as given(id, place) "
    'where ledger_leaves.id = given.id and ledger_leaves."index" is null'
)


class Sequencer:
    """Sequences one log; make one for each process, and call `turn` again and again."""

    def __init__(
        self,
        database: Database,
        log: Log,
        *,
        disk: Disk,
        keys: FileDisk,
        witnesses: Sequence[Cosigner] = (),
        resting: Resting | None = None,
    ) -> None:
        self.log = log
        self._database = database
        self._disk = disk
        self._keys = keys
        self._witnesses = tuple(witnesses)
        self._known: dict[bytes, TreeHead] = {}
        self._resting = Resting() if resting is None else resting
        self._compared = False

    def turn(self) -> Round:
        """Make one turn and return what it did.

        Raises `Refused`, with the reason, while the log is read-only until reconciled; `Unavailable` if another
        sequencer is at work, no witness answers at the start, or a write fails. Then call it again later.
        """
        try:
            with self._disk.alone() as only, self._database.transaction(SYSTEM) as guard:
                self._refuse_company(guard, only=only)
                done = self._turn(guard)
        except BaseException:
            self._compared = False
            raise
        return done

    def _refuse_company(self, guard: Transaction, *, only: bool) -> None:
        if not only or not take_lock(guard, self.log):
            raise Unavailable("another sequencer works on this log", where=self.log.name)

    def _turn(self, guard: Transaction) -> Round:
        signers = make_signers(self._keys, self.log)
        # Before anything is signed: a witness has to know them first.
        replace_other(self._disk, KEYS, publish_keys(signers))
        signed = read_signed(self._disk, self.log, signers)
        numbered = count_numbered(guard, self.log)
        places = self._look(guard, signed, numbered)
        refuse_out_of_line(self.log, places)
        live = signing_at(signers, guard.now)
        tree = TileTree(self._disk, signed.size)
        if not self._compared:
            self._compare(places, sign_head(self.log, signed, live), tree)
        entries, more = self._take(signed.size, numbered)
        edge = write_growth(self._disk, read_edge(self._disk, signed.size), entries)
        # The lock in the database ends with its connection; nothing is signed without it.
        guard.connection.execute(select(1))
        return self._publish(edge, live, added=len(entries), before=signed.size, more=more)

    def _look(self, guard: Transaction, signed: TreeHead, numbered: int) -> Places:
        """Return what database and disk remember; the leaves themselves are compared once after each start."""
        published = read_log(guard, self.log.name).published
        try:
            root = read_edge(self._disk, signed.size).root
            published_root = root
            if published.size != signed.size:
                published_root = root_at(TileTree(self._disk, signed.size), min(published.size, signed.size))
            same_tail = self._compared or has_same_tail(guard, self.log, self._disk, min(signed.size, numbered))
        except (Missing, Malformed):
            root, published_root, same_tail = None, None, True
        return Places(
            numbered, published, published_root, signed, root, same_tail=same_tail, witnessed=0, disputed=False
        )

    def _compare(self, places: Places, note: Note, tree: TileTree) -> None:
        """Ask every witness what it saw last, resting or not, before anything new is signed; one answer is needed."""
        asked = ask_all(self._witnesses, note, parse_checkpoint(note.text), tree, self._known)
        refuse_out_of_line(self.log, _witnessed(places, asked))
        refuse_silence(asked)
        self._learn(asked, places.signed)
        self._compared = True

    def _take(self, size: int, numbered: int) -> tuple[list[bytes], bool]:
        """Return the next entries, those numbered and not yet signed first, and whether more may wait."""
        with self._database.transaction(SYSTEM) as tx:
            if numbered > size:
                return read_entries(tx, self.log, size, min(numbered, size + LEAVES_PER_TURN_MAX)), True
            waiting = (
                select(leaves.c.id, leaves.c.entry)
                .where(leaves.c.log == self.log.name, leaves.c.index.is_(None))
                .order_by(leaves.c.id)
                .limit(LEAVES_PER_TURN_MAX)
            )
            found = [(row.id, row.entry) for row in tx.connection.execute(waiting)]
            rows = _within(BYTES_PER_TURN_MAX, found)
            places = list(range(size, size + len(rows)))
            if rows:
                done = tx.connection.execute(_NUMBER, {"ids": [each for each, _ in rows], "places": places})
                if done.rowcount != len(rows):
                    raise Unavailable("another sequencer numbered a leaf", where=self.log.name)
        return [entry for _, entry in rows], len(rows) < len(found) or len(found) == LEAVES_PER_TURN_MAX

    def _publish(self, edge: Edge, live: Sequence[Signer], *, added: int, before: int, more: bool) -> Round:
        head = TreeHead(edge.size, edge.root)
        note = _with_known(self._disk, sign_head(self.log, head, live))
        replace_other(self._disk, SIGNED, note.raw)
        asked = self._ask(note, head)
        note = note.with_signatures(each.signature for each in asked if each.signature is not None)
        replace_other(self._disk, CHECKPOINT, note.raw)
        with self._database.transaction(SYSTEM) as tx:
            if read_log(tx, self.log.name).published != head:
                note_published(tx, self.log.name, head)
        self._disk.drop(_replaced(before, edge.size))
        heard = {each.key for each in cosigned_by(note, [each.key for each in self._witnesses])}
        silent = tuple(each.key.name for each in self._witnesses if each.key not in heard)
        return Round(head, added, len(self._witnesses) - len(silent), more, silent)

    def _ask(self, note: Note, head: TreeHead) -> tuple[Asked, ...]:
        """Ask the witnesses that have not cosigned this checkpoint and are not resting."""
        done = {each.key for each in cosigned_by(note, [each.key for each in self._witnesses])}
        now = self._database.clock.now()
        due = [
            each
            for each in self._witnesses
            if each.key not in done and self._resting.is_over(each.key, self.log.origin, now)
        ]
        asked = ask_all(due, note, parse_checkpoint(note.text), TileTree(self._disk, head.size), self._known)
        if any(each.ahead or each.disputed for each in asked):
            raise Refused(
                "a witness knows another history than the one just signed", where=self.log.name, next_step=RECONCILE
            )
        self._learn(asked, head)
        return asked

    def _learn(self, asked: Sequence[Asked], head: TreeHead) -> None:
        for each in asked:
            if each.signature is not None:
                self._known[each.witness.public] = head
            else:
                self._resting.begin(each, self.log.origin, self._database.clock.now())


RECONCILE = "Run leadtime ledger reconcile, with a copy of the log if its own disk lost leaves."
MEND = (
    "Run leadtime ledger reconcile: it mends damaged files, and changes nothing unless the database's leaves are those "
    "that were signed."
)
RESTORE = (
    "Restore the database from before its leaves were changed, then run leadtime ledger reconcile: later ones come "
    "back from the log's own disk."
)


def take_lock(guard: Transaction, log: Log) -> bool:
    """Tell whether ``guard``, for as long as it is open, is the one that may number the leaves of ``log``."""
    lock = select(func.pg_try_advisory_xact_lock(SEQUENCING_LOCK, func.hashtext(log.name)))
    return bool(guard.connection.scalar(lock))


def read_signed(disk: Disk, log: Log, signers: Sequence[Signer]) -> TreeHead:
    """Return the last head that was signed, by the disk; the empty tree's if none was.

    Raises `Refused` or `Malformed` if a checkpoint on disk is not ours.
    """
    heads = [NOTHING]
    for path in (SIGNED, CHECKPOINT):
        try:
            checkpoint, _ = open_checkpoint(disk.read(path), origin=log.origin, keys=[each.key for each in signers])
        except Missing:
            continue
        heads.append(TreeHead(checkpoint.size, checkpoint.root))
    return max(heads, key=lambda head: head.size)


def count_numbered(tx: Transaction, log: Log) -> int:
    """Return how many leaves of ``log`` have an index in the database."""
    last = (
        select(leaves.c.index)
        .where(leaves.c.log == log.name, leaves.c.index.is_not(None))
        .order_by(leaves.c.index.desc())
        .limit(1)
    )
    found = tx.connection.scalar(last)
    return 0 if found is None else int(found) + 1


def read_entries(tx: Transaction, log: Log, start: int, end: int) -> list[bytes]:
    """Return the entries of leaves ``[start, end)``; raises `Refused` if one of them is not in the database."""
    wanted = (
        select(leaves.c.index.label("place"), leaves.c.entry)
        .where(leaves.c.log == log.name, leaves.c.index >= start, leaves.c.index < end)
        .order_by(leaves.c.index)
    )
    rows = tx.connection.execute(wanted).all()
    if [row.place for row in rows] != list(range(start, end)):
        raise Refused("a leaf that has its place is not in the database", where=log.name, next_step=RESTORE)
    return [row.entry for row in rows]


def has_same_tail(tx: Transaction, log: Log, disk: Disk, size: int) -> bool:
    """Tell whether the last leaves before ``size`` are the same in the database and on disk."""
    if size == 0:
        return True
    index, last = divmod(size - 1, WIDTH)
    on_disk = read_bundle(disk, Tile(None, index, last + 1))
    return read_entries(tx, log, index * WIDTH, size) == on_disk


def write_growth(disk: Disk, edge: Edge, entries: Sequence[bytes]) -> Edge:
    """Append entries to the tree on disk: bundles and tiles, synced on return. Return its new edge."""
    if not entries:
        return edge
    bundled = bundle(edge, entries)
    # The disk works at the entries, which are most of the bytes, while the tree over them is hashed.
    disk.begin(bundled.files)
    growth = grow(edge, entries, bundled)
    disk.put_all(growth.tiles)
    return growth.edge


def refuse_out_of_line(log: Log, places: Places) -> None:
    """Raise `Refused` with its reason while a log may not sign."""
    standing = judge(places)
    if standing is not Standing.IN_LINE:
        next_step = MEND if standing is Standing.DIVERGED else RECONCILE
        raise Refused(explain(standing, places), where=log.name, next_step=next_step)


def _witnessed(places: Places, asked: Sequence[Asked]) -> Places:
    ahead = max((each.ahead for each in asked), default=0)
    return replace(places, witnessed=ahead, disputed=any(each.disputed for each in asked))


def sign_head(log: Log, head: TreeHead, live: Sequence[Signer]) -> Note:
    """Return the signed checkpoint of a head; only for one that this log signed before, or that only grew from it."""
    text = Checkpoint(log.origin, head.size, head.root).text
    return Note(text, tuple(signer.sign(text) for signer in live))


def _with_known(disk: Disk, note: Note) -> Note:
    """Return the note with the signatures that the published one of the same text has besides."""
    try:
        published = parse_note(disk.read(CHECKPOINT))
    except LeadtimeError:
        return note
    return published.with_signatures(note.signatures) if published.text == note.text else note


def replace_other(disk: Disk, path: str, content: bytes) -> None:
    """Replace a file that says something else."""
    try:
        if disk.read(path) == content:
            return
    except Missing:
        pass
    disk.replace(path, content)


def _replaced(before: int, size: int) -> list[str]:
    """Return the folders of partial tiles whose full ones came between two sizes."""
    folders: list[str] = []
    old, new = before, size
    for level in range(LEVELS_MAX):
        for index in range(old // WIDTH, new // WIDTH):
            folders.append(Tile(level, index).partials)
            if level == 0:
                folders.append(Tile(None, index).partials)
        old, new = old // WIDTH, new // WIDTH
    return folders


def _within(bytes_max: int, rows: list[tuple[object, bytes]]) -> list[tuple[object, bytes]]:
    """Return the first rows, as many as fit into so many bytes, at least one."""
    left = bytes_max
    for count, (_, entry) in enumerate(rows):
        left -= len(entry)
        if left < 0 and count:
            return rows[:count]
    return rows
