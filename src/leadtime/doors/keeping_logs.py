"""Keeping the logs beside a site that serves: leaves become tiles and checkpoints, which witnesses cosign."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from leadtime import ledger
from leadtime.doors.site import Site
from leadtime.foundation.errors import LeadtimeError, Malformed
from leadtime.foundation.settings import Settings, WitnessAt

log = structlog.get_logger()

OUTAGE_SECONDS = 1.0


def witnesses_of(settings: Settings) -> tuple[ledger.WebWitness, ...]:
    """Return the witnesses that the settings name; raises `Malformed` for a key that is none."""
    return tuple(_witness_at(each) for each in settings.witnesses)


async def keep_logs(site: Site, witnesses: Sequence[ledger.Cosigner], stop: asyncio.Event) -> None:
    """Turn the leaves of every log into tiles and signed checkpoints until ``stop``; an outage is waited out."""
    ended, told, resting = threading.Event(), Turns(), ledger.Resting()
    stopping = asyncio.create_task(_pass_on(stop, ended))
    keeper = ledger.Keeper(
        site.database, lambda each: ledger.sequencer_of(site.database, each, site.settings.home, witnesses, resting)
    )
    while not ended.is_set():
        try:
            await asyncio.to_thread(keeper.keep_turning, ended, told.tell)
        except Exception as error:  # noqa: BLE001  # whatever ails the ledger, the site is served
            log.warning("the ledger waits", error=type(error).__name__)
            await asyncio.to_thread(ended.wait, OUTAGE_SECONDS)
    await stopping


@dataclass(slots=True)
class Turns:
    """What is said of the turns: what changed about a log, and nothing twice."""

    last: dict[ledger.LogName, tuple[str, ...]] = field(default_factory=dict)

    def tell(self, name: ledger.LogName, outcome: ledger.Outcome) -> None:
        """Log that a log is not signed, that witnesses are silent, or that it is well again."""
        now = outcome.silent if isinstance(outcome, ledger.Round) else (_what(outcome),)
        if self.last.get(name, ()) == now:
            return
        self.last[name] = now
        if isinstance(outcome, LeadtimeError):
            log.warning("a log is not signed", log=name, what=outcome.what, next_step=outcome.next_step)
        elif isinstance(outcome, Exception):
            log.error("a log is not signed", log=name, what=_what(outcome))
        elif outcome.silent:
            log.warning("a log's witnesses are silent", log=name, witnesses=list(outcome.silent))
        else:
            log.info("a log is signed and cosigned again", log=name, leaves=outcome.head.size)


def _what(problem: Exception) -> str:
    """Return what is wrong; of an error that nobody raised on purpose its kind and place, never the values it holds."""
    if isinstance(problem, LeadtimeError):
        return problem.what
    place = traceback.extract_tb(problem.__traceback__)[-1:]
    return " ".join([type(problem).__name__, *(f"at {each.name}:{each.lineno}" for each in place)])


def _witness_at(place: WitnessAt) -> ledger.WebWitness:
    try:
        return ledger.WebWitness(place.url, ledger.parse_verifier_key(place.key))
    except Malformed as problem:
        raise Malformed(
            problem.what, where="LEADTIME_WITNESSES", next_step="Copy the line that leadtime ledger witness prints."
        ) from None


async def _pass_on(stop: asyncio.Event, ended: threading.Event) -> None:
    await stop.wait()
    ended.set()
