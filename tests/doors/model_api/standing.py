"""A gateway that really listens, over a real database, before a scripted upstream."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import uvloop

from leadtime.doors.model_api.running import Gateway, running
from leadtime.doors.serving import serve
from leadtime.flow import gateway as calls
from leadtime.flow import window
from leadtime.flow.gateway import CallSeen
from leadtime.flow.window import GrantWanted, Terms, Upstream, Variant, WindowKind, WireFormat
from leadtime.foundation.access import Role
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import Address
from tests.flow.window.factories import TERMS, WANTED, Offer, Party, an_agreement, party

HOST = "127.0.0.1"
OPENAI_SCRIPTS = (
    "plain",
    "tools",
    "lies",
    "greedy",
    "endless",
    "drip",
    "stall",
    "held",
    "huge",
    "breaks",
    "compressed",
)
FAULTS = ("busy", "broken", "blunt", "wrong", "unauthorised", "elsewhere", "garbage", "list")
PRICE = {"input_price": 2_000_000, "output_price": 8_000_000}


@dataclass
class Access:
    """One person's access to a model: the offer it hangs on, the grant's secret, and names of its variants."""

    database: Database
    offer: Offer
    grant: object
    secret: str

    def name(self, variant: str) -> str:
        return f"{self.offer.model.name}/{variant}"

    def calls(self) -> tuple[CallSeen, ...]:
        """The access log as the developer sees it, newest first."""
        with self.database.transaction(self.offer.developer.viewer) as tx:
            return calls.list_calls(tx, self.offer.model.id)

    def settled(self, count: int = 1) -> tuple[CallSeen, ...]:
        """The same, once so many calls are there and all are settled."""
        for _ in range(500):
            seen = self.calls()
            if len(seen) >= count and all(call.settled_at for call in seen):
                return seen
            threading.Event().wait(0.02)
        raise TimeoutError(f"not settled: {seen}")

    def alarms(self) -> list[str]:
        with self.database.transaction(self.offer.developer.viewer) as tx:
            return [seen.alarm.what for seen in calls.list_alarms(tx, self.offer.model.id)]


def an_access(
    database: Database,
    url: str,
    *,
    wire_format: WireFormat = WireFormat.OPENAI,
    terms: Terms = TERMS,
    wanted: GrantWanted = WANTED,
    name: str = "orion-1",
) -> Access:
    """A model whose variants are the upstream's scripts, offered to an agency, granted to one of its people."""
    developer, agency = party(database, Role.DEVELOPER), party(database, Role.AGENCY)
    variants = tuple(Variant(script, script, None, **PRICE) for script in (*OPENAI_SCRIPTS, *FAULTS))
    with database.transaction(developer.viewer) as tx:
        model = window.enrol_model(
            tx, name=name, variants=variants, upstream=Upstream(f"{url}/v1", "sk-upstream"), wire_format=wire_format
        )
    agreement = an_agreement(database, developer, model, agency, terms)
    with database.transaction(developer.viewer) as tx:
        opened = window.open_window(tx, model.id, WindowKind.GOVERNMENT)
        entry = window.offer_to(tx, opened.id, agreement.id)
    offer = Offer(developer, agency, model, agreement, opened, entry)
    return another_grant(database, offer, wanted)


def another_grant(database: Database, offer: Offer, wanted: GrantWanted = WANTED) -> Access:
    holder: Party = offer.agency
    with database.transaction(holder.viewer) as tx:
        made = window.grant(tx, offer.entry.id, holder.person.id, wanted)
        secret = window.issue_credential(tx, made.id).secret
    return Access(database, offer, made, secret)


def limited(**limits: int) -> Terms:
    return replace(TERMS, limits=window.Limits(**limits))


@dataclass
class Served:
    """A gateway at an address; ``run`` has it do something on its own loop."""

    url: str
    gateway: Gateway
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event = field(repr=False)


@contextmanager
def serving(database: Database, address: Address, **options: object) -> Iterator[Served]:
    """Run a gateway in a thread while the block runs."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    url = f"http://{HOST}:{port}"
    ready: list[Served] = []
    begun = threading.Event()

    async def run() -> None:
        stop = asyncio.Event()
        async with running(database, address, url=url, **options) as gateway:
            ready.append(Served(url, gateway, asyncio.get_running_loop(), stop))
            begun.set()
            await serve(gateway.app, HOST, port, stop, before_stopping=gateway.end_calls)

    thread = threading.Thread(target=lambda: uvloop.run(run()))
    thread.start()
    try:
        assert begun.wait(10)
        await_listening(port)
        yield ready[0]
    finally:
        if ready:
            ready[0].loop.call_soon_threadsafe(ready[0].stop.set)
        thread.join(30)
        assert not thread.is_alive()


def await_listening(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except ConnectionRefusedError:
            threading.Event().wait(0.02)
        else:
            return
    raise TimeoutError("the gateway does not listen")
