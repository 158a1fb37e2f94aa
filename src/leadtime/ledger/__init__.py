"""The ledger: logs that prove what was accessed, readable and verifiable by those who do not trust who keeps them.

Takes: leaves, inserted by whoever acts in the transaction of the act itself (I3).
Gives: under ``LEADTIME_HOME/ledger/{log}/`` tiles, a signed `checkpoint`, and the list of its ``keys``; proofs.
Decides: when a log may sign (`rules.judge`): only if database, disk and witnesses tell one history.
Refuses: to sign after an older backup was restored, until `reconcile`; content (a leaf holds commitments alone).
Standard: RFC 6962 (hashing), C2SP tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-proof.

How it is used. Open a log once, then append in the transaction of the act; it is one insert that waits for nobody::

    log = Log(parse_log_name("reads"), origin="example.org/ledger/reads", kind=LogKind.READS)
    open_log(tx, log)                                     # any transaction; twice does no harm
    leaf = new_leaf(tx.keys, log.name, kind=CALL, at=tx.now, fields={"prompt": b"...", "person": b"..."})
    append(tx, log.name, leaf)                            # counts when tx commits; leaf.id goes into LEAF_HEADER

An act that was committed and then not sent on gets a second leaf (``kind=VOID, about=leaf.id``). An auditor is shown
one by ``open_leaf(keys, log.name, leaf.id, fields)``, whose values the caller kept. As long as the installation serves,
one thread somewhere turns rows into tiles and checkpoints::

    resting = Resting()                                   # of witnesses that do not answer, for all logs
    keeper = Keeper(database, lambda log: sequencer_of(database, log, home, witnesses, resting))
    keeper.keep_turning(stop, tell)                       # a checkpoint within 2 s of each commit

Readers get the files of ``log_home(home, name)`` (`parse_path` tells which paths may be served), and verify with
`verify_log`, `prove_leaf` and `compare`.
"""

from leadtime.ledger.append import append, append_all, count_waiting, list_logs, open_log, read_log
from leadtime.ledger.completeness import (
    LEAF_HEADER,
    Calls,
    Completeness,
    Interval,
    Reach,
    compare,
    read_reaches,
)
from leadtime.ledger.cosigning import Cosigner, Resting
from leadtime.ledger.disk import Disk, FileDisk
from leadtime.ledger.homes import log_home, sequencer_of
from leadtime.ledger.inclusion import InclusionProof, check_proof, parse_proof, prove_leaf
from leadtime.ledger.keep import Keeper, Outcome
from leadtime.ledger.leaves import (
    CALL,
    VOID,
    Leaf,
    OpenedField,
    Opening,
    new_leaf,
    open_leaf,
    opening_as_json,
    parse_leaf,
    parse_opening,
    verify_opening,
)
from leadtime.ledger.notes import VerifierKey, parse_verifier_key
from leadtime.ledger.over_http import WebSource, WebWitness
from leadtime.ledger.reconcile import Reconciled, reconcile
from leadtime.ledger.records import (
    PUBLICATIONS,
    READS,
    LeafId,
    Log,
    LogKind,
    LogName,
    OpenedLog,
    Round,
    TreeHead,
    parse_log_name,
)
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import KEYS, publish_keys, read_signers, rotate, signers_home
from leadtime.ledger.tally import Tally
from leadtime.ledger.tiles import CHECKPOINT, Source, Tile, parse_path
from leadtime.ledger.verify import Head, Trust, Verification, trust_on_first_use, verify_head, verify_log
from leadtime.ledger.witness import REQUEST_BYTES_MAX, Witness, WitnessAnswer
from leadtime.ledger.witness_memory import FileMemory

__all__ = [
    "CALL",
    "CHECKPOINT",
    "KEYS",
    "LEAF_HEADER",
    "PUBLICATIONS",
    "READS",
    "REQUEST_BYTES_MAX",
    "VOID",
    "Calls",
    "Completeness",
    "Cosigner",
    "Disk",
    "FileDisk",
    "FileMemory",
    "Head",
    "InclusionProof",
    "Interval",
    "Keeper",
    "Leaf",
    "LeafId",
    "Log",
    "LogKind",
    "LogName",
    "OpenedField",
    "OpenedLog",
    "Opening",
    "Outcome",
    "Reach",
    "Reconciled",
    "Resting",
    "Round",
    "Sequencer",
    "Source",
    "Tally",
    "Tile",
    "TreeHead",
    "Trust",
    "Verification",
    "VerifierKey",
    "WebSource",
    "WebWitness",
    "Witness",
    "WitnessAnswer",
    "append",
    "append_all",
    "check_proof",
    "compare",
    "count_waiting",
    "list_logs",
    "log_home",
    "new_leaf",
    "open_leaf",
    "open_log",
    "opening_as_json",
    "parse_leaf",
    "parse_log_name",
    "parse_opening",
    "parse_path",
    "parse_proof",
    "parse_verifier_key",
    "prove_leaf",
    "publish_keys",
    "read_log",
    "read_reaches",
    "read_signers",
    "reconcile",
    "rotate",
    "sequencer_of",
    "signers_home",
    "trust_on_first_use",
    "verify_head",
    "verify_log",
    "verify_opening",
]
