"""The programs that ``benchmarks/intake.py`` runs beside each other: servers of ours and the peer, and their client."""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import aiohttp
import psycopg
import uvloop
from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import Engine, LargeBinary, Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from leadtime.doors.app import build_app
from leadtime.doors.serving import serve, settle_memory
from leadtime.doors.site import Site
from leadtime.flow import intake, parties
from leadtime.flow.intake import Receipt, ReportId
from leadtime.flow.intake.rules import sign_receipt
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.database.connect import Address, address_in, make_engine, make_roles_and
from leadtime.foundation.database.ddl import schema_statements
from leadtime.foundation.database.embedded import start_embedded
from leadtime.foundation.database.roles import OWNER
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import LeadtimeError
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import KeyRing
from leadtime.foundation.settings import read_settings
from leadtime.workflows import report_to_operator
from leadtime.workflows.engine import job_schema
from leadtime.workflows.reads import note_reads
from leadtime.workflows.whole_schema import whole_schema
from tests.flow.parties.factories import enrol

HOST = "127.0.0.1"
DESCRIPTION = "A deep document with a large indent writes past the end of a stack buffer. " * 12
STACK = [{"file": f"lib/part{number}.c", "function": f"step_{number}", "line": 100 + number} for number in range(8)]
REPRODUCER = {
    "recipe": {"schema": "leadtime.recipe/1", "files": ["run.py"], "run": "{python} run.py {input}"},
    "files": {"run.py": "cHJpbnQoMSk="},
    "input": {"name": "a.json", "base64": "WzFd"},
}
"""Something to run, so that the report is queued."""


def a_report(reference: str) -> bytes:
    """Return a report of about 2 KiB, as a finder's tool sends it."""
    report = {
        "schema": "leadtime.report/1",
        "title": "Stack overflow when indenting",
        "description": DESCRIPTION,
        "component": "pkg:pypi/ujson@5.0.0",
        "affected": ["5.0.0", "5.1.0"],
        "cwe": "CWE-787",
        "locations": STACK,
        "severity_claimed": "high",
        "found_by": {"tool": "example-fuzzer", "run": "2026-11", "person_reviewed": False},
        "credit": ["Example Lab"],
        "reference": reference,
        "reproducer": REPRODUCER,
    }
    return json.dumps(report).encode()


def make_database(folder: Path) -> tuple[Database, Address]:
    """Return a fresh database, fsync on, with the whole schema and the tables of jobs."""
    server = start_embedded(folder / "pg")
    make_roles_and("leadtime", server)
    make_roles_and("peer", server)
    with psycopg.connect(server.conninfo(OWNER, "leadtime")) as owner:
        for statement in (*schema_statements(whole_schema()), *job_schema()):
            owner.execute(statement)
    address = address_in(server, "leadtime")
    keys = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
    return Database(make_engine(address), SystemClock(), keys, note_reads=note_reads), address


async def leadtime(folder: Path, ports: Sequence[int]) -> None:
    """Serve the site, and the peer beside it over the same server, until SIGTERM; each on a port of its own."""
    database, address = make_database(folder)
    person = enrol(database, Role.FINDER)[1]
    with database.transaction(SYSTEM) as tx:
        token = parties.issue_token(tx, person.id, days=1).secret
    settings = read_settings({"LEADTIME_HOME": str(folder / "home"), "LEADTIME_URL": f"http://{HOST}:{ports[0]}"})
    app = build_app(Site(database, settings))
    owner = psycopg.conninfo.conninfo_to_dict(address.owner)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**{**owner, "dbname": "peer"}), pool_size=10
    )
    Base.metadata.create_all(engine)
    settle_memory()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    (folder / "secret").write_text(token)
    apps: tuple[ASGIApp, ...] = (app, peer(engine, lines_max=1), peer(engine, lines_max=500))
    await asyncio.gather(*(serve(each, HOST, port, stop) for each, port in zip(apps, ports, strict=True)))


def store_nothing() -> None:
    """Have the route read and sign as ever, and write nothing."""

    def hand_in_all(tx: Transaction, raws: Sequence[bytes]) -> tuple[Receipt | LeadtimeError, ...]:
        told: list[Receipt | LeadtimeError] = []
        for raw in raws:
            body = intake.parse_report(raw)
            now = tx.now
            unsigned = Receipt(
                ReportId(new_id(now)), body.reference, now, digest_of(body.content), tx.keys.key_id, signature=b""
            )
            told.append(sign_receipt(unsigned, tx.keys))
        return tuple(told)

    report_to_operator.hand_in_all = hand_in_all


class Base(DeclarativeBase):
    """The peer's tables."""


class ReportRow(Base):
    """A report as a usual service keeps it: in clear, unsigned, once by its reference."""

    __tablename__ = "reports"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str]
    component: Mapped[str]
    digest: Mapped[str]
    received_at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class JobRow(Base):
    """The next step for a report."""

    __tablename__ = "jobs"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    report: Mapped[UUID]
    state: Mapped[str]


class Location(BaseModel):
    """Where a flaw is."""

    file: str
    function: str | None = None
    line: int | None = None


class FoundBy(BaseModel):
    """What found it."""

    tool: str
    run: str | None = None
    person_reviewed: bool


class Report(BaseModel):
    """A report."""

    title: str
    description: str
    component: str
    affected: list[str] = []
    cwe: str | None = None
    locations: list[Location] = []
    severity_claimed: str | None = None
    found_by: FoundBy
    credit: list[str] = []
    reference: str


def peer(engine: Engine, *, lines_max: int) -> FastAPI:
    """Return FastAPI with pydantic and ORM rows: each line is checked, looked up, added; answered after its commit."""
    app = FastAPI()

    def keep(lines: list[bytes]) -> bytes:
        answers = []
        with Session(engine) as session:
            for line in lines:
                report = Report.model_validate_json(line)
                known = session.scalars(select(ReportRow).where(ReportRow.reference == report.reference)).one_or_none()
                row = known or ReportRow(
                    id=uuid4(),
                    reference=report.reference,
                    title=report.title,
                    component=report.component,
                    digest=digest_of(line),
                    received_at=datetime.now(tz=UTC).replace(tzinfo=None),
                    body=line,
                )
                if known is None:
                    session.add_all((row, JobRow(id=uuid4(), report=row.id, state="queued")))
                answers.append({"id": str(row.id), "reference": row.reference, "digest": row.digest})
            session.commit()
        return b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)

    async def answers(lines: list[bytes]) -> AsyncIterator[bytes]:
        for first in range(0, len(lines), lines_max):
            yield await run_in_threadpool(keep, lines[first : first + lines_max])

    @app.post("/api/v1/reports/batch")
    async def many(request: Request, authorization: Annotated[str, Header()]) -> StreamingResponse:
        if not authorization.startswith("Bearer "):
            raise HTTPException(401)
        lines = [line for line in (await request.body()).split(b"\n") if line]
        return StreamingResponse(answers(lines), media_type="application/x-ndjson")

    return app


async def post_singly(port: int, secret: str, connections: int, seconds: float) -> dict[str, float]:
    """Load the route for one report so long, over that many connections; each report is a new one."""
    url, headers = f"http://{HOST}:{port}/api/v1/reports", {"authorization": f"Bearer {secret}"}
    took: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def send(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() < until:
            started = time.perf_counter()
            async with session.post(url, data=a_report(str(uuid4())), headers=headers) as answer:
                told = await answer.read()
                if answer.status != HTTPStatus.CREATED:
                    raise RuntimeError(told[:500])
            took.append(time.perf_counter() - started)

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(send(session) for _ in range(connections)))
    return {"rate": len(took) / (time.perf_counter() - began), "median_ms": statistics.median(took) * 1000}


async def post_batch(port: int, secret: str, reports: int) -> dict[str, float]:
    """Send one NDJSON stream of new reports and read every answer."""
    url, headers = f"http://{HOST}:{port}/api/v1/reports/batch", {"authorization": f"Bearer {secret}"}
    body = b"\n".join(a_report(str(uuid4())) for _ in range(reports)) + b"\n"
    began = time.perf_counter()
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        lines = (await answer.read()).splitlines()
    took = time.perf_counter() - began
    if len(lines) != reports or b"problem" in lines[-1] or answer.status != HTTPStatus.OK:
        raise RuntimeError(lines[-1:])
    return {"rate": reports / took}


def main(role: str, *arguments: str) -> None:
    """Run one role."""
    if role == "singly":
        port, secret, connections, seconds = arguments
        print(json.dumps(uvloop.run(post_singly(int(port), secret, int(connections), float(seconds)))))
    elif role == "batch":
        port, secret, reports = arguments
        print(json.dumps(uvloop.run(post_batch(int(port), secret, int(reports)))))
    else:
        if role == "nothing":
            store_nothing()
        folder, *ports = arguments
        uvloop.run(leadtime(Path(folder), [int(port) for port in ports]))


if __name__ == "__main__":
    main(*sys.argv[1:])
