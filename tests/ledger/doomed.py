"""Sequencers that kill themselves (SIGKILL) at one exact place of a turn.

Run as ``doomed.py DIRECTORY``, the embedded server's, it reads lines of JSON ``{"database", "home", "gap"}``, makes one
turn in a child of its own for each, and answers with the child's exit code (-9: it died in the gap).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import address_in, make_engine
from leadtime.foundation.database.embedded import start_embedded
from leadtime.foundation.keys import KeyRing
from leadtime.ledger import cosigning
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.records import Log, LogKind, LogName
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import Signer, signers_home
from leadtime.ledger.witness import Witness
from leadtime.ledger.witness_memory import FileMemory

READS = Log(LogName("reads"), "example.org/ledger/reads", LogKind.READS)

GAPS = [
    "before numbering is committed",
    "after numbering is committed",
    "halfway through begin",
    "after begin",
    "before put_all",
    "halfway through put_all",
    "after put_all",
    "before replace keys",
    "before replace signed",
    "halfway through replace signed",
    "after replace signed",
    "before witness remembers",
    "after witness remembers",
    "after witness answers",
    "before replace checkpoint",
    "halfway through replace checkpoint",
    "after replace checkpoint",
    "before publishing is committed",
    "after publishing is committed",
    "before drop",
    "after drop",
]


class Doom:
    def __init__(self, gap):
        self.gap = gap

    def at(self, place):
        if place == self.gap:
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedDisk(FileDisk):
    def __init__(self, root, doom):
        super().__init__(root)
        self.doom = doom

    def begin(self, files):
        if self.doom.gap == "halfway through begin":
            self.tear(files)
        super().begin(files)
        self.doom.at("after begin")

    def put_all(self, files):
        self.doom.at("before put_all")
        if self.doom.gap == "halfway through put_all":
            self.tear(files)
        super().put_all(files)
        self.doom.at("after put_all")

    def tear(self, files):
        """Write half of the files, half of the next one, and die."""
        super().begin(dict(list(files.items())[: len(files) // 2]))
        torn, content = list(files.items())[len(files) // 2]
        (self.root / torn).parent.mkdir(parents=True, exist_ok=True)
        (self.root / torn).write_bytes(content[: len(content) // 2])
        self.doom.at(self.doom.gap)

    def replace(self, path, content):
        self.doom.at(f"before replace {path}")
        if self.doom.gap == f"halfway through replace {path}":
            # Files are written here before they get their names.
            (self.root / ".new" / path).write_bytes(content[: len(content) // 2])
            self.doom.at(self.doom.gap)
        super().replace(path, content)
        self.doom.at(f"after replace {path}")

    def drop(self, folders):
        self.doom.at("before drop")
        super().drop(folders)
        self.doom.at("after drop")


class DoomedMemory(FileMemory):
    def __init__(self, disk, doom):
        super().__init__(disk)
        self.doom = doom

    def advance(self, origin, *, known, to):
        if to == known:
            return
        self.doom.at("before witness remembers")
        super().advance(origin, known=known, to=to)
        self.doom.at("after witness remembers")


class DoomedWitness:
    def __init__(self, witness, doom):
        self.witness, self.doom, self.key, self.times = witness, doom, witness.key, 0

    def add_checkpoint(self, request):
        answer = self.witness.add_checkpoint(request)
        self.times += 1
        if self.times > 1:  # the first asks what it saw, before anything new is signed
            self.doom.at("after witness answers")
        return answer


class DoomedDatabase(Database):
    """Its second transaction numbers leaves, its third records what is published; the first holds the lock."""

    __slots__ = ("count", "doom")

    @contextmanager
    def transaction(self, viewer):
        object.__setattr__(self, "count", self.count + 1)
        name = {2: "numbering", 3: "publishing"}.get(self.count)
        with super().transaction(viewer) as tx:
            yield tx
            self.doom.at(f"before {name} is committed")
        self.doom.at(f"after {name} is committed")


def witness_in(home, origin_keys, clock, doom=None):
    disk = FileDisk(Path(home) / "witness", mode=0o600)
    memory = DoomedMemory(disk, doom) if doom else FileMemory(disk)
    return Witness("witness.example", b"w" * 32, {READS.origin: origin_keys}, memory, clock)


def signer_in(home):
    """The one signer of the log, known beforehand so that the witness knows it too."""
    disk = signers_home(Path(home), READS)
    disk.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    seed = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
    disk.replace("signers.json", json.dumps([{"seed": seed, "until": None}]).encode())
    return Signer(READS.origin, b"s" * 32)


def doomed_turn(address, home, gap):
    doom = Doom(gap)
    clock = SystemClock()
    keys = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
    database = DoomedDatabase(make_engine(address), clock, keys)
    object.__setattr__(database, "count", 0)
    object.__setattr__(database, "doom", doom)
    key = Signer(READS.origin, b"s" * 32).key
    witness = DoomedWitness(witness_in(home, [key], clock, doom), doom)
    disk = DoomedDisk(Path(home) / "ledger" / READS.name, doom)
    Sequencer(database, READS, disk=disk, keys=signers_home(Path(home), READS), witnesses=[witness]).turn()


def main():
    cosigning.ANSWER_SECONDS_MAX = 60.0  # the witness is waited for, however slow the machine
    server = start_embedded(Path(sys.argv[1]), fleeting=True)
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            doomed_turn(address_in(server, told["database"]), told["home"], told["gap"])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
