"""What the ledger's parts hand each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.foundation.errors import Malformed

LeafId = NewType("LeafId", UUID)
LogName = NewType("LogName", str)
"""A log's name in paths and rows: lower-case letters, digits and hyphens."""

READS = LogName("reads")
"""Reads of sealed content by people, and acknowledged reports: leaves for auditors."""

PUBLICATIONS = LogName("publications")
"""What was published; its commitments have no salt, so that everybody checks them against the files."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


class LogKind(StrEnum):
    """Whose log it is: one per offered model, one of reads of embargoed detail, one of what everybody may see."""

    MODEL = "model"
    READS = "reads"
    PUBLICATIONS = "publications"


@dataclass(frozen=True, slots=True)
class Log:
    """One log: its name, the origin that its checkpoints begin with, and its kind."""

    name: LogName
    origin: str
    kind: LogKind


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A tree's size and root."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """What one turn of a sequencer did: the published head, the leaves added, witnesses that cosigned, more waiting.

    ``silent`` names the witnesses that have not cosigned that head.
    """

    head: TreeHead
    added: int
    cosigned: int
    more: bool
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log as the database knows it: what was last published of it, and when it was opened."""

    log: Log
    published: TreeHead
    opened_at: datetime


def parse_log_name(text: str) -> LogName:
    """Return the log name that ``text`` is; raises `Malformed` for what may not stand in a path."""
    if not _NAME.match(text):
        raise Malformed(
            "this is not a log's name", where="log", next_step="Use 1 to 63 lower-case letters, digits and hyphens."
        )
    return LogName(text)
