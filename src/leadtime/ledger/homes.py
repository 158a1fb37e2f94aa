"""Where an installation's logs lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leadtime.foundation.database import Database
from leadtime.ledger.cosigning import Cosigner, Resting
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.records import Log, LogName
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import signers_home


def log_home(home: Path, name: LogName) -> FileDisk:
    """Return the public files of a log (``checkpoint``, ``keys``, ``tile/…``): ``LEADTIME_HOME/ledger/{log}``."""
    return FileDisk(home / "ledger" / name)


def sequencer_of(
    database: Database, log: Log, home: Path, witnesses: Sequence[Cosigner] = (), resting: Resting | None = None
) -> Sequencer:
    """Return the sequencer of a log in an installation's home; ``resting`` is one for all of its logs."""
    keys = signers_home(home, log)
    return Sequencer(database, log, disk=log_home(home, log.name), keys=keys, witnesses=witnesses, resting=resting)
