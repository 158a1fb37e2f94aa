from __future__ import annotations

import pytest

from leadtime.foundation.access import SYSTEM
from leadtime.ledger.append import open_log
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.records import Log, LogKind, LogName
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import signers_home

READS = Log(LogName("reads"), "example.org/ledger/reads", LogKind.READS)


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """A witness within the test itself is waited for, however slow the machine."""
    monkeypatch.setattr("leadtime.ledger.cosigning.ANSWER_SECONDS_MAX", 60.0)


@pytest.fixture
def log(database) -> Log:
    with database.transaction(SYSTEM) as tx:
        open_log(tx, READS)
    return READS


@pytest.fixture
def disk(home) -> FileDisk:
    return FileDisk(home / "ledger" / READS.name)


@pytest.fixture
def signing(home) -> FileDisk:
    return signers_home(home, READS)


@pytest.fixture
def sequencer(database, log, disk, signing) -> Sequencer:
    return Sequencer(database, log, disk=disk, keys=signing)
