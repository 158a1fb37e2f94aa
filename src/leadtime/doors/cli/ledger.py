"""``leadtime ledger``: verify a log from outside, prove a leaf, be a witness; reconcile and rotate one's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from leadtime.doors.cli.ledger_witness import serve_witness
from leadtime.doors.visible import visible_line
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.database.opening import open_database
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused, Unavailable
from leadtime.foundation.ids import parse_id
from leadtime.foundation.settings import Settings, read_settings
from leadtime.ledger import (
    Calls,
    Completeness,
    FileDisk,
    InclusionProof,
    Interval,
    Leaf,
    LeafId,
    Log,
    Source,
    Tally,
    Trust,
    Verification,
    WebSource,
    compare,
    log_home,
    parse_leaf,
    parse_log_name,
    parse_opening,
    parse_verifier_key,
    prove_leaf,
    read_log,
    read_reaches,
    reconcile,
    rotate,
    signers_home,
    trust_on_first_use,
    verify_log,
    verify_opening,
)

EXIT_NO = 3
SMALL_FILE_BYTES_MAX = 1 << 20
TIME = click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])

FROM = click.option("--from", "place", required=True, metavar="URL|DIR", help="Where the log lies.")
KEY = click.option("--key", "keys", multiple=True, metavar="VKEY", help="The log's verifier key, as you keep it.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("ledger", epilog="Example: leadtime ledger verify --from var/ledger/reads")
def command() -> None:
    """Verify a log from outside, prove one of its leaves, be a witness; reconcile and rotate one's own."""


@command.command(epilog="Example: leadtime ledger verify --from https://lab.example/ledger/m1 --key 'lab.example/m1+…'")
@FROM
@KEY
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A witness whose cosignature is needed.")
@click.option("--earlier", multiple=True, type=click.Path(path_type=Path), help="A checkpoint kept from before.")
@click.option("--upstream-log", type=click.Path(path_type=Path), help="Your own access log: {leaf, at} one a line.")
@click.option("--since", type=TIME, help="From when on the access log tells (UTC).")
@click.option("--until", type=TIME, help="Up to when the access log tells (UTC).")
@AS_JSON
def verify(
    *,
    place: str,
    keys: tuple[str, ...],
    witnesses: tuple[str, ...],
    earlier: tuple[Path, ...],
    upstream_log: Path | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> int:
    """Verify a whole log from its files: signatures, every leaf and tile, and, with your access log, completeness.

    The access log holds one JSON object a line, at least {"leaf": ID or null, "at": time}: the leaf is what the request
    carried in its header Leadtime-Leaf. Without --key the log's own list of keys is believed, which shows only that the
    log agrees with itself. Exits with 0 if everything holds, with 3 if not.
    """
    source, calls = _source(place), Calls()
    trust = _trust(source, keys, witnesses)
    found = verify_log(source, trust, earlier=[_read_small(path) for path in earlier], visit=calls.visit)
    complete = None
    if upstream_log is not None and found.head is not None:
        with _open(upstream_log) as lines:
            complete = compare(calls, read_reaches(lines), Interval(_utc(since), _utc(until)))
    holds = found.holds and (complete is None or complete.holds)
    told = _verification_as_json(found, complete, holds=holds, pinned=bool(keys))
    click.echo(json.dumps(told) if as_json else _tell(found, complete, trust, pinned=bool(keys)))
    return 0 if holds else EXIT_NO


@command.command(epilog="Example: leadtime ledger prove --from var/ledger/reads --leaf 0198… > leaf.tlog-proof")
@FROM
@KEY
@click.option("--leaf", required=True, metavar="ID", help="The leaf's id.")
@click.option("--opening", type=click.Path(path_type=Path), help="What the leaf is said to have committed to.")
@AS_JSON
def prove(*, place: str, keys: tuple[str, ...], leaf: str, opening: Path | None, as_json: bool) -> int:
    """Print the proof that a leaf is in a log (c2sp.org/tlog-proof), after checking it.

    With --opening, the fields laid open there are checked against the leaf's commitments. Exits with 3 if anything does
    not hold.
    """
    source, wanted = _source(place), LeafId(parse_id(leaf, where="--leaf"))
    trust = _trust(source, keys, ())
    opened = None if opening is None else parse_opening(_read_small(opening))
    proof = _or_no(lambda: prove_leaf(source, trust, wanted))
    if proof is None:
        return EXIT_NO
    found = parse_leaf(proof.entry)
    if opened is not None and not verify_opening(found, opened):
        click.echo("the opening is not what this leaf committed to", err=True)
        return EXIT_NO
    click.echo(json.dumps(_proof_as_json(proof, found)) if as_json else proof.raw.decode(), nl=as_json)
    return 0


@command.command(
    epilog="Example: leadtime ledger witness --home witness --log 'lab.example/m1+…' --listen 0.0.0.0:8430"
)
@click.option("--listen", default="127.0.0.1:8430", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="Folder of its key and its memory.")
@click.option("--name", default="witness.example", show_default=True, help="Name that it signs under.")
@click.option("--log", "logs", multiple=True, metavar="VKEY", help="A log to watch; may be given again.")
def witness(*, listen: str, home: Path, name: str, logs: tuple[str, ...]) -> None:
    """Be a witness (c2sp.org/tlog-witness): cosign each checkpoint that grew from the last one cosigned.

    Its key is made in --home at the first start, which may be without a log, and is printed for whoever keeps one. Keep
    that folder, and run it where the log's keeper has no hand in it.
    """
    serve_witness(listen, home, name, [parse_verifier_key(log) for log in logs])


@command.command("reconcile", epilog="Example: leadtime ledger reconcile reads --copy /mnt/auditor/reads")
@click.argument("log")
@click.option("--copy", metavar="URL|DIR", help="A copy of the log's files, where its own disk lost leaves.")
@AS_JSON
def reconcile_log(log: str, *, copy: str | None, as_json: bool) -> None:
    """Bring a log of this installation out of read-only after an older backup was restored.

    What disk, database or --copy still have is put back where it is missing; two histories are refused.
    """
    settings = read_settings(os.environ)
    with _opened(settings) as database:
        known = _own_log(database, log)
        done = reconcile(
            database,
            known,
            disk=log_home(settings.home, known.name),
            keys=signers_home(settings.home, known),
            copy=None if copy is None else _source(copy),
        )
    told = {"log": known.name, "size": done.head.size, "root": done.head.root.hex(), "restored": done.rows_restored}
    sentence = f"{known.name}: all agree on {done.head.size} leaves; {done.rows_restored} came back into the database"
    click.echo(json.dumps(told) if as_json else sentence)


@command.command("rotate", epilog="Example: leadtime ledger rotate reads --until 2026-12-31T00:00:00Z")
@click.argument("log")
@click.option("--until", type=TIME, required=True, help="Until when the old key signs too (UTC).")
@AS_JSON
def rotate_key(log: str, *, until: datetime, as_json: bool) -> None:
    """Make a new signing key for a log of this installation; until the given time the old one signs beside it.

    Give the new verifier key to the log's readers and witnesses in that time.
    """
    settings = read_settings(os.environ)
    with _opened(settings) as database:
        known = _own_log(database, log)
    now = SystemClock().now()
    signers = rotate(signers_home(settings.home, known), known, now=now, until=until.replace(tzinfo=UTC))
    key = str(signers[0].key)
    click.echo(json.dumps({"log": known.name, "key": key}) if as_json else key)


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings, SystemClock())
    try:
        yield database
    finally:
        database.engine.dispose()


def _own_log(database: Database, log: str) -> Log:
    with database.transaction(SYSTEM) as tx:
        return read_log(tx, parse_log_name(log)).log


def _source(place: str) -> Source:
    """Return where a log is read from; the token is sent to the installation it is for, and nowhere else."""
    if not place.startswith(("http://", "https://")):
        return FileDisk(Path(place))
    settings = read_settings(os.environ)
    own = settings.token is not None and place.startswith(f"{settings.url}/")
    return WebSource(place, {"Authorization": f"Bearer {settings.token}"} if own else {})


def _trust(source: Source, keys: tuple[str, ...], witnesses: tuple[str, ...]) -> Trust:
    asked = tuple(parse_verifier_key(each) for each in witnesses)
    pinned = tuple(parse_verifier_key(each) for each in keys)
    if len({key.name for key in pinned}) > 1:
        raise Malformed("the keys are of different logs", where="--key", next_step="Verify one log at a time.")
    trust = Trust(pinned[0].name, pinned) if pinned else trust_on_first_use(source, now=SystemClock().now())
    return Trust(trust.origin, trust.keys, asked, len(asked))


def _or_no(act: Callable[[], InclusionProof]) -> InclusionProof | None:
    """Return what ``act`` returns; None, having said why, if the answer is no."""
    try:
        return act()
    except Unavailable:
        raise
    except LeadtimeError as problem:
        click.echo(visible_line(str(problem)), err=True)
        return None


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as problem:
        raise Malformed(f"the file cannot be read ({problem.strerror})", where=str(path)) from None


def _read_small(path: Path) -> bytes:
    with _open(path) as stream:
        content = stream.read(SMALL_FILE_BYTES_MAX + 1)
    if len(content) > SMALL_FILE_BYTES_MAX:
        raise Refused(f"the file is larger than {SMALL_FILE_BYTES_MAX} bytes", where=str(path))
    return content


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)


def _tally(tally: Tally) -> dict[str, object]:
    return {"count": tally.count, "first": tally.first}


def _verification_as_json(
    found: Verification, complete: Completeness | None, *, holds: bool, pinned: bool
) -> dict[str, object]:
    head = found.head
    return {
        "holds": holds,
        "origin": head and head.checkpoint.origin,
        "size": head and head.checkpoint.size,
        "root": head and head.checkpoint.root.hex(),
        "signed_by": [str(key) for key in head.signed_by] if head else [],
        "key_pinned": pinned,
        "cosigned": [{"name": each.key.name, "at": each.at.isoformat()} for each in head.cosigned] if head else [],
        "kinds": found.kinds,
        "problems": _tally(found.problems),
        "completeness": None
        if complete is None
        else {
            "holds": complete.holds,
            "matched": complete.matched,
            "voided": complete.voided,
            "outside": complete.outside,
            "skipped": _tally(complete.skipped),
            "repeated": _tally(complete.repeated),
            "never_came": _tally(complete.never_came),
            "voided_yet_came": _tally(complete.voided_yet_came),
            "in_doubt": _tally(complete.in_doubt),
        },
    }


def _tell(found: Verification, complete: Completeness | None, trust: Trust, *, pinned: bool) -> str:
    lines = [f"{trust.origin}: the signatures do not hold"]
    if found.head is not None:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.kinds.items()))
        lines = [f"{trust.origin}: {found.head.checkpoint.size} leaves" + (f" ({kinds})" if kinds else "")]
        lines += [f"signed by {key}" for key in found.head.signed_by]
        lines += [f"cosigned by {each.key.name} at {each.at.isoformat()}" for each in found.head.cosigned]
    if not pinned:
        lines.append("The key is the log's own word: with --key and a key you keep, this would be a proof.")
    lines += _tell_tally("wrong", found.problems)
    if complete is not None:
        lines.append(f"calls logged and reached: {complete.matched}; logged as not sent: {complete.voided}")
        lines += _tell_tally("reached the model without a leaf (skipped)", complete.skipped)
        lines += _tell_tally("carried the leaf of another request", complete.repeated)
        lines += _tell_tally("logged a call that never came", complete.never_came)
        lines += _tell_tally("logged as not sent, and came", complete.voided_yet_came)
        lines += _tell_tally("in doubt, since the gateway died in the middle of it", complete.in_doubt)
    if found.holds:
        lines.append("every leaf and every tile leads to the signed root")
    return "\n".join(visible_line(line) for line in lines)


def _tell_tally(what: str, tally: Tally) -> list[str]:
    if not tally.count:
        return []
    return [f"{what}: {tally.count}", *(f"  {each}" for each in tally.first)]


def _proof_as_json(proof: InclusionProof, leaf: Leaf) -> dict[str, object]:
    return {
        "leaf": str(leaf.id),
        "kind": leaf.kind,
        "at": leaf.at.isoformat(),
        "index": proof.index,
        "entry": proof.entry.decode(),
        "path": [each.hex() for each in proof.path],
        "checkpoint": proof.checkpoint.decode(),
    }
