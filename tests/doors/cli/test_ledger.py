from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from leadtime.doors.cli.ledger_witness import make_server, open_witness
from leadtime.doors.cli.main import run
from leadtime.foundation.errors import Unavailable
from leadtime.ledger import (
    CALL,
    VOID,
    FileDisk,
    TreeHead,
    Trust,
    WebSource,
    WebWitness,
    check_proof,
    new_leaf,
    open_leaf,
    opening_as_json,
    parse_proof,
    publish_keys,
    verify_log,
)
from leadtime.ledger.checkpoints import Checkpoint, parse_checkpoint
from leadtime.ledger.cosigning import ask_all
from leadtime.ledger.growth import Edge
from leadtime.ledger.notes import parse_note
from leadtime.ledger.sequence import sign_head, write_growth
from leadtime.ledger.signers import Signer
from leadtime.ledger.tiles import TileTree
from tests.conftest import START
from tests.ledger.conftest import READS

SIGNER = Signer(READS.origin, b"s" * 32)


def call(keys, number, kind=CALL, about=None):
    return new_leaf(keys, READS.name, kind=kind, at=START, fields={"n": str(number).encode()}, about=about)


def write(disk, leaves, edge=None):
    edge = write_growth(disk, edge or Edge(), [leaf.entry for leaf in leaves])
    disk.replace("checkpoint", sign_head(READS, TreeHead(edge.size, edge.root), [SIGNER]).raw)
    disk.replace("keys", publish_keys([SIGNER]))
    return edge


@pytest.fixture
def calls(keys):
    return [call(keys, number) for number in range(5)]


@pytest.fixture
def disk(tmp_path, calls):
    disk = FileDisk(tmp_path / "log")
    write(disk, calls)
    return disk


def access_log(tmp_path, *carried):
    path = tmp_path / "access.ndjson"
    lines = [json.dumps({"leaf": leaf and str(leaf), "at": "2026-08-03T09:00:01Z", "path": "/v1"}) for leaf in carried]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_an_honest_log_verifies_with_the_key_that_was_kept(disk, capsys):
    assert run(["ledger", "verify", "--from", str(disk.root), "--key", str(SIGNER.key)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "example.org/ledger/reads: 5 leaves (5 call)",
        f"signed by {SIGNER.key}",
        "every leaf and every tile leads to the signed root",
    ]


def test_without_a_key_it_says_what_that_is_worth(disk, capsys):
    assert run(["ledger", "verify", "--from", str(disk.root)]) == 0
    out = capsys.readouterr().out
    assert "The key is the log's own word: with --key and a key you keep, this would be a proof." in out


def test_a_changed_leaf_is_no(disk, capsys):
    path = disk.root / "tile/entries/000.p/5"
    path.write_bytes(path.read_bytes().replace(b'"kind":"call"', b'"kind":"cull"', 1))
    assert run(["ledger", "verify", "--from", str(disk.root), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is False
    assert told["problems"]["first"] == [
        "tile/0/000.p/5 does not hold the hashes of its entries",
        "the entries do not have the root that was signed for 5 leaves",
    ]


def test_another_key_is_no(disk, capsys):
    key = Signer(READS.origin, b"x" * 32).key
    assert run(["ledger", "verify", "--from", str(disk.root), "--key", str(key)]) == 3
    assert "example.org/ledger/reads: the signatures do not hold" in capsys.readouterr().out


def test_a_witness_that_was_asked_for_and_is_missing_is_no(disk, tmp_path, capsys):
    witness = open_witness(tmp_path / "w", "witness.example", [SIGNER.key])
    assert run(["ledger", "verify", "--from", str(disk.root), "--witness", str(witness.key)]) == 3
    assert "0 of 1 witnesses cosigned this checkpoint" in capsys.readouterr().out


def test_a_second_history_is_no_beside_a_checkpoint_that_was_kept(disk, tmp_path, calls, keys, capsys):
    kept = tmp_path / "kept"
    kept.write_bytes(disk.read("checkpoint"))
    fork = FileDisk(tmp_path / "fork")
    write(fork, [*calls[:4], call(keys, 9), call(keys, 10)])
    assert run(["ledger", "verify", "--from", str(disk.root), "--earlier", str(kept)]) == 0
    assert run(["ledger", "verify", "--from", str(fork.root), "--earlier", str(kept)]) == 3
    assert "did not grow from an earlier checkpoint of 5 leaves: two histories" in capsys.readouterr().out


def test_an_access_log_that_agrees(disk, tmp_path, calls, capsys):
    upstream = access_log(tmp_path, *(leaf.id for leaf in calls))
    assert run(["ledger", "verify", "--from", str(disk.root), "--upstream-log", upstream, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["completeness"]
    assert (told["holds"], told["matched"]) == (True, 5)


def test_a_gateway_that_skipped_a_leaf_and_one_that_logged_a_call_that_never_came(disk, tmp_path, calls, keys, capsys):
    stranger = call(keys, 99)
    upstream = access_log(tmp_path, *(leaf.id for leaf in calls[:4]), stranger.id, None, calls[0].id)
    assert run(["ledger", "verify", "--from", str(disk.root), "--upstream-log", upstream]) == 3
    out = capsys.readouterr().out
    assert "reached the model without a leaf (skipped): 2" in out
    assert f"line 5: {stranger.id} at 2026-08-03T09:00:01+00:00" in out
    assert "line 6: no Leadtime-Leaf at" in out
    assert "carried the leaf of another request: 1" in out
    assert f"logged a call that never came: 1\n  {calls[4].id}" in out


def test_a_call_logged_as_not_sent_is_none_that_never_came(disk, tmp_path, calls, keys, capsys):
    log = FileDisk(tmp_path / "voided")
    write(log, [*calls, call(keys, 0, kind=VOID, about=calls[4].id)])
    upstream = access_log(tmp_path, *(leaf.id for leaf in calls[:4]))
    assert run(["ledger", "verify", "--from", str(log.root), "--upstream-log", upstream]) == 0
    assert "calls logged and reached: 4; logged as not sent: 1" in capsys.readouterr().out


def test_calls_outside_the_time_of_the_access_log_are_not_judged(disk, tmp_path, calls):
    upstream = access_log(tmp_path, calls[0].id)
    command = ["ledger", "verify", "--from", str(disk.root), "--upstream-log", upstream]
    assert run(command) == 3
    assert run([*command, "--since", "2026-08-03T09:00:01Z"]) == 0
    assert run([*command, "--until", "2026-08-03T09:00:00Z"]) == 0
    assert run([*command, "--since", "2026-08-03T09:00:00Z", "--until", "2026-08-03T09:00:01Z"]) == 3


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"leaf": 5, "at": "2026-08-03T09:00:01Z"}', 'line 1: a line is {"leaf": id or null, "at": time}'),
        ('{"leaf": null}', 'line 1: a line is {"leaf": id or null, "at": time}'),
        ('{"leaf": null, "at": "today"}', "line 1: this is not a time"),
        ('{"leaf": null, "at": "2026-08-03T09:00:01"}', "line 1: a time needs its zone"),
        ('{"leaf": "x", "at": "2026-08-03T09:00:01Z"}', "line 1: this is not an id"),
        ("{", "line 1, column 2: this is not JSON"),
    ],
)
def test_an_access_log_that_cannot_be_read_is_refused(disk, tmp_path, line, why, capsys):
    path = tmp_path / "bad.ndjson"
    path.write_text(line)
    assert run(["ledger", "verify", "--from", str(disk.root), "--upstream-log", str(path)]) == 2
    assert why in capsys.readouterr().err


def test_a_proof_is_printed_and_leads_to_the_signed_root(disk, calls, capsys):
    assert run(["ledger", "prove", "--from", str(disk.root), "--leaf", str(calls[3].id)]) == 0
    proof = parse_proof(capsys.readouterr().out.encode())
    assert check_proof(proof, Trust(READS.origin, (SIGNER.key,))).checkpoint.size == 5
    assert run(["ledger", "prove", "--from", str(disk.root), "--leaf", str(calls[3].id), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["index"] == 3


def test_a_leaf_that_is_not_there_is_no(disk, keys, capsys):
    assert run(["ledger", "prove", "--from", str(disk.root), "--leaf", str(call(keys, 1).id)]) == 3
    assert "no such leaf is in this log" in capsys.readouterr().err


def test_an_opening_is_checked_beside_the_proof(disk, tmp_path, calls, keys, capsys):
    path = tmp_path / "opening.json"
    command = ["ledger", "prove", "--from", str(disk.root), "--leaf", str(calls[3].id), "--opening", str(path)]
    path.write_bytes(opening_as_json(open_leaf(keys, READS.name, calls[3].id, {"n": b"3"})))
    assert run(command) == 0
    path.write_bytes(opening_as_json(open_leaf(keys, READS.name, calls[3].id, {"n": b"4"})))
    assert run(command) == 3
    assert "the opening is not what this leaf committed to" in capsys.readouterr().err


def test_a_place_without_a_log_is_refused(tmp_path, capsys):
    assert run(["ledger", "verify", "--from", str(tmp_path), "--key", str(SIGNER.key)]) == 2
    assert "there is no such file in this log" in capsys.readouterr().err


def test_an_address_that_does_not_answer_is_unavailable(capsys):
    assert run(["ledger", "verify", "--from", "http://127.0.0.1:1/ledger/x", "--key", str(SIGNER.key)]) == 5
    assert "no answer came" in capsys.readouterr().err


def test_an_address_is_verified_as_a_folder_is(disk):
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(disk.root)))) as address:
        assert run(["ledger", "verify", "--from", address]) == 0
        assert verify_log(WebSource(address), Trust(READS.origin, (SIGNER.key,))).holds


def test_keys_of_two_logs_are_refused(disk, capsys):
    other = Signer("example.org/other", b"s" * 32).key
    assert run(["ledger", "verify", "--from", str(disk.root), "--key", str(SIGNER.key), "--key", str(other)]) == 2
    assert "the keys are of different logs" in capsys.readouterr().err


def test_a_witness_over_http_cosigns_what_grew_and_nothing_else(disk, tmp_path, calls, keys):
    witness = open_witness(tmp_path / "w", "witness.example", [SIGNER.key])
    assert open_witness(tmp_path / "w", "witness.example", [SIGNER.key]).key == witness.key
    edge = Edge(5, TileTree(disk, 5) and (disk.read("tile/0/000.p/5"),), disk.read("tile/entries/000.p/5"))
    with serving(make_server("127.0.0.1:0", witness)) as address:
        client = WebWitness(address, witness.key)
        note = parse_note(disk.read("checkpoint"))
        (asked,) = ask_all([client], note, parse_checkpoint(note.text), TileTree(disk, 5), {})
        assert asked.signature is not None
        disk.replace("checkpoint", note.with_signatures([asked.signature]).raw)
        assert run(["ledger", "verify", "--from", str(disk.root), "--witness", str(witness.key)]) == 0
        fork = FileDisk(tmp_path / "fork")
        write(fork, [*calls[:4], call(keys, 9), call(keys, 10)])
        forked = parse_note(fork.read("checkpoint"))
        (asked,) = ask_all([client], forked, parse_checkpoint(forked.text), TileTree(fork, 6), {})
        assert (asked.signature, asked.disputed) == (None, True)
        write(disk, [call(keys, 11)], edge)
        grown = parse_note(disk.read("checkpoint"))
        (asked,) = ask_all([client], grown, parse_checkpoint(grown.text), TileTree(disk, 6), {})
        assert asked.signature is not None
        with pytest.raises(Unavailable):
            WebWitness(f"{address}:x", witness.key).add_checkpoint(b"")
        assert WebWitness(address, witness.key).add_checkpoint(b"nonsense").status == 400
        assert WebWitness(f"{address}/elsewhere", witness.key).add_checkpoint(b"x").status == 404
    assert witness.memory.latest(READS.origin).size == 6
    assert Checkpoint(READS.origin, 6, witness.memory.latest(READS.origin).root).text == grown.text


def test_a_witness_reads_no_more_than_a_submission_may_hold(tmp_path):
    witness = open_witness(tmp_path / "w", "witness.example", [SIGNER.key])
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    with (
        serving(make_server("127.0.0.1:0", witness)) as address,
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5) as connection,
    ):
        connection.sendall(head)
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def test_an_address_to_listen_at_is_checked(tmp_path, capsys):
    command = ["ledger", "witness", "--home", str(tmp_path), "--log", str(SIGNER.key), "--listen"]
    assert run([*command, "nowhere"]) == 2
    assert "an address is HOST:PORT" in capsys.readouterr().err
