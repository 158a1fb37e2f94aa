"""Play the early access of a story: models are offered, asked, checked, and one of them withdrawn."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from openai import OpenAI, OpenAIError

from leadtime.doors import demo_model
from leadtime.doors.read_models.offers import read_model_page
from leadtime.doors.read_models.thanks import Thanks
from leadtime.doors.story import Ending, Offer
from leadtime.flow import window
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window import GrantWanted, Limits, Milestones, Model, Terms, Upstream, Variant, Window, WindowKind
from leadtime.foundation.access import Viewer
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Missing, Unavailable
from leadtime.ledger import (
    Calls,
    Completeness,
    Interval,
    compare,
    log_home,
    read_reaches,
    trust_on_first_use,
    verify_log,
)

RELEASE_DAYS = 60
WAIT_SECONDS_MAX = 15
POLL_SECONDS = 0.25
ANSWER_TOKENS_MAX = 60


@dataclass(frozen=True, slots=True)
class Offered:
    """A model that was offered: its window, and the credential that the evaluator drew."""

    offer: Offer
    model: Model
    window: Window
    credential: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the developer saw in its own log: how many leaves, and how they agree with its own access log."""

    leaves: int
    holds: bool
    complete: Completeness


@dataclass(slots=True)
class OffersPlayer:
    """The people of a story around offered models; each method is a scene."""

    database: Database
    people: Mapping[str, Viewer]
    url: str
    home: Path
    port: int
    upstream_model: str
    offered: list[Offered] = field(default_factory=list)

    def offer(self, offer: Offer) -> Offered:
        """Let a developer enrol a model, agree, open a window, and an agency give its evaluator access."""
        developer, evaluator = self.people[offer.by], self.people[offer.to]
        agency, person = _named(evaluator)
        with self.database.transaction(developer) as tx:
            upstream = Upstream(f"http://127.0.0.1:{self.port}/{offer.name}/v1", "no-credential-needed")
            variants = tuple(Variant(name, self.upstream_model) for name in offer.variants)
            model = window.enrol_model(
                tx, name=offer.name, variants=variants, upstream=upstream, wire_format=window.WireFormat.OPENAI
            )
            planned = Milestones(public_release_at=tx.now + timedelta(days=RELEASE_DAYS))
            window.set_milestones(tx, model.id, planned)
            terms = Terms(offer.instrument, (offer.purpose,), limits=Limits(requests=offer.requests_max))
            agreed = window.agree(tx, model.id, agency, terms)
            opened = window.open_window(tx, model.id, WindowKind.GOVERNMENT)
            entry = window.offer_to(tx, opened.id, agreed.id)
        with self.database.transaction(evaluator) as tx:
            granted = window.grant(tx, entry.id, person, GrantWanted(offer.purpose))
            credential = window.issue_credential(tx, granted.id).secret
        found = Offered(offer, model, opened, credential)
        self.offered.append(found)
        return found

    def ask(self, offered: Offered) -> str:
        """Let the evaluator ask its question with OpenAI's own client; return the answer, or the refusal's sentence."""
        client = OpenAI(base_url=f"{self.url}/v1", api_key=offered.credential, max_retries=0)
        try:
            name = client.models.list().data[0].id
            answer = client.chat.completions.create(
                model=name,
                messages=[{"role": "user", "content": offered.offer.question}],
                max_tokens=ANSWER_TOKENS_MAX,
            )
        except OpenAIError as refusal:
            return str(refusal)
        return answer.choices[0].message.content or ""

    def check(self, offered: Offered) -> Checked:
        """Let the developer verify its model's log against its own access log, once every call has reached it."""
        source = log_home(self.home, window.log_of(offered.model.id))
        access_log = demo_model.access_log(self.home, offered.offer.name)
        end = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < end:
            calls = Calls()
            try:
                trust = trust_on_first_use(source, now=SystemClock().now())
                found = verify_log(source, trust, visit=calls.visit)
                with access_log.open("rb") as lines:
                    complete = compare(calls, read_reaches(lines), Interval())
            except Missing:
                time.sleep(POLL_SECONDS)
                continue
            if complete.matched and found.head is not None:
                return Checked(found.head.checkpoint.size, found.holds and complete.holds, complete)
            time.sleep(POLL_SECONDS)
        raise Unavailable("the model's log was not signed in time", next_step="Look at serve.log in LEADTIME_HOME.")

    def withdraw(self, offered: Offered) -> None:
        """Let the developer end the window: one move, nobody else is asked."""
        with self.database.transaction(self.people[offered.offer.by]) as tx:
            window.withdraw(tx, offered.window.id)

    def thanks(self, offered: Offered) -> Thanks:
        """Return what the developer reads on its console: what was reported thanks to this early access."""
        with self.database.transaction(self.people[offered.offer.by]) as tx:
            found = read_model_page(tx, offered.model.id).thanks
        if found is None:
            raise Missing("only its developer reads the thanks for a model", next_step="Let the developer ask.")
        return found

    def models(self) -> dict[str, dict[str, str]]:
        """Return for ``story.json`` which models stay open and which were withdrawn."""
        words = {Ending.OPEN: "open", Ending.WITHDRAWN: "withdrawn"}
        return {
            words[each.offer.ends]: {"name": each.model.name, "window": str(each.window.id)} for each in self.offered
        }

    def credentials(self) -> dict[str, str]:
        """Return each evaluator's credential of a model that stays open."""
        return {each.offer.to: each.credential for each in self.offered if each.offer.ends is Ending.OPEN}


def _named(viewer: Viewer) -> tuple[OrganisationId, PersonId]:
    if viewer.organisation is None or viewer.person is None:
        raise Missing("this person belongs to no organisation", next_step="Enrol it first.")
    return OrganisationId(viewer.organisation), PersonId(viewer.person)
