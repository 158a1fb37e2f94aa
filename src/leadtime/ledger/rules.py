"""When a log may sign: only if the database, the disk and the witnesses tell one history. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leadtime.ledger.records import TreeHead


class Standing(StrEnum):
    """How the places that remember a log stand to each other; all but the first let nothing be signed."""

    IN_LINE = "in line"
    DATABASE_BEHIND = "the database is behind"
    DISK_BEHIND = "the disk is behind"
    WITNESS_AHEAD = "a witness is ahead"
    DIVERGED = "two histories"


@dataclass(frozen=True, slots=True)
class Places:
    """What each place remembers of one log.

    ``numbered``: leaves with an index in the database. ``published``: the head that the database saw published;
    ``published_root_on_disk``: the disk's root at that size (None: it has not so many leaves). ``signed``: the last
    head signed, on disk; ``root_on_disk``: the root that the disk's tiles have at its size. ``same_tail``: whether the
    last leaves before it are the same in the database. ``witnessed``: the largest size that a witness says it cosigned.
    ``disputed``: a witness knows another root, or does not find our tree consistent with what it knows.
    """

    numbered: int
    published: TreeHead
    published_root_on_disk: bytes | None
    signed: TreeHead
    root_on_disk: bytes | None
    same_tail: bool
    witnessed: int
    disputed: bool


def judge(places: Places) -> Standing:
    """Return how the places stand to each other; what a restored backup explains is told before two histories."""
    if places.signed.size > places.numbered:
        return Standing.DATABASE_BEHIND
    if places.published.size > places.signed.size:
        return Standing.DISK_BEHIND
    if places.root_on_disk is None:
        return Standing.DISK_BEHIND
    if places.witnessed > places.signed.size:
        return Standing.WITNESS_AHEAD
    one_history = (
        places.root_on_disk == places.signed.root
        and places.published_root_on_disk == places.published.root
        and places.same_tail
        and not places.disputed
    )
    return Standing.IN_LINE if one_history else Standing.DIVERGED


def explain(standing: Standing, places: Places) -> str:
    """Return one sentence that says why nothing is signed."""
    signed, published = places.signed.size, places.published.size
    return {
        Standing.IN_LINE: f"database, disk and witnesses agree on {signed} leaves",
        Standing.DATABASE_BEHIND: (
            f"the database ends at {places.numbered} leaves, and a checkpoint of {signed} was signed: an older backup "
            "of the database was restored, and the log is read-only until reconciled"
        ),
        Standing.DISK_BEHIND: (
            f"the disk ends before the {max(published, signed)} leaves that were published: an older copy of it was "
            "restored, and the log is read-only until reconciled"
        ),
        Standing.WITNESS_AHEAD: (
            f"a witness cosigned {places.witnessed} leaves, and database and disk end at {signed}: older backups were "
            "restored, and the log is read-only until reconciled"
        ),
        Standing.DIVERGED: (
            f"database, disk and witnesses tell different histories of the first {signed} leaves: the log is read-only "
            "until reconciled"
        ),
    }[standing]
