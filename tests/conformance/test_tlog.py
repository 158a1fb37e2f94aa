"""A verifier that is not ours accepts our tiles, checkpoints, cosignatures and proofs, and refuses changed ones."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from leadtime.ledger import FileDisk, TreeHead, Witness, new_leaf
from leadtime.ledger.checkpoints import parse_checkpoint
from leadtime.ledger.cosigning import ask_all
from leadtime.ledger.growth import Edge
from leadtime.ledger.sequence import sign_head, write_growth
from leadtime.ledger.signers import Signer
from leadtime.ledger.tiles import TileTree
from leadtime.ledger.tree import prove_consistency, prove_inclusion, root_at
from tests.conftest import START, SettableClock
from tests.ledger.conftest import READS
from tests.ledger.places import MemoryOfWitness

PROGRAM = Path(__file__).parent / "tlog" / "main.go"
LIBRARIES = Path("/usr/share/gocode")
SIGNER = Signer(READS.origin, b"s" * 32)
SIZES = (1, 7, 255, 256, 257, 700)


def missing() -> str | None:
    """Say what is missing to run Go's verifier here, None if nothing is."""
    if shutil.which("go") is None:
        return "go is missing: apt-get install golang-go"
    if not (LIBRARIES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return "golang.org/x/mod is missing: apt-get install golang-golang-x-mod-dev"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The verifier, built without a network from the distribution's own sources."""
    folder = tmp_path_factory.mktemp("go")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(LIBRARIES),
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
    }
    binary = folder / "tlog"
    subprocess.run(["go", "build", "-o", str(binary), str(PROGRAM)], env=environment, check=True, timeout=300)
    return binary


@pytest.fixture
def log(tmp_path, keys):
    """A log that grew through several sizes, cosigned, with the checkpoint of each size kept."""
    disk, edge = FileDisk(tmp_path / "log"), Edge()
    witness = Witness("witness.example", b"w" * 32, {READS.origin: [SIGNER.key]}, MemoryOfWitness(), SettableClock())
    for size in SIZES:
        fresh = [
            new_leaf(keys, READS.name, kind="read", at=START, fields={"n": str(number).encode()})
            for number in range(edge.size, size)
        ]
        edge = write_growth(disk, edge, [leaf.entry for leaf in fresh])
        note = sign_head(READS, TreeHead(size, edge.root), [SIGNER])
        (asked,) = ask_all([witness], note, parse_checkpoint(note.text), TileTree(disk, size), {})
        note = note.with_signatures([asked.signature])
        disk.replace("checkpoint", note.raw)
        (tmp_path / f"kept-{size}").write_bytes(note.raw)
    tree = TileTree(disk, SIZES[-1])
    proofs = {
        "inclusion": [
            {"index": index, "path": spell(prove_inclusion(tree, index, SIZES[-1]))} for index in (0, 1, 255, 256, 699)
        ],
        "consistency": [
            {"old": old, "root": spell([root_at(tree, old)])[0], "path": spell(prove_consistency(tree, old, SIZES[-1]))}
            for old in (1, 2, 6, 7, 256, 257, 512, 699)
        ],
    }
    (tmp_path / "proofs.json").write_text(json.dumps(proofs))
    return tmp_path, disk, witness


def spell(hashes):
    return [base64.b64encode(each).decode() for each in hashes]


def verify(program, place, witness, *kept):
    command = [program, place / "log", str(SIGNER.key), str(witness.key), place / "proofs.json", *kept]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout.strip()


def test_go_accepts_our_tiles_checkpoints_cosignatures_and_proofs(program, log):
    place, _, witness = log
    kept = [place / f"kept-{size}" for size in SIZES]
    assert verify(program, place, witness, *kept) == (0, "700 leaves, 2 signatures, 6 earlier, 5+8 proofs")


def test_go_refuses_a_changed_entry(program, log):
    place, disk, witness = log
    path = disk.root / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b'"read"', b'"rude"', 1))
    assert verify(program, place, witness) == (1, "invalid transparency proof")


def test_go_refuses_a_changed_tile(program, log):
    place, disk, witness = log
    path = disk.root / "tile/0/001"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    assert verify(program, place, witness) == (1, "invalid transparency proof")


def test_go_refuses_a_changed_checkpoint(program, log):
    place, disk, witness = log
    path = disk.root / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n700\n", b"\n699\n"))
    code, why = verify(program, place, witness)
    assert code == 1
    assert why.startswith("invalid signature for key")
