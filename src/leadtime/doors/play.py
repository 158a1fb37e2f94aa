"""Play a story: every person acts through the same verbs as anybody, and Leadtime's own workers do the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from leadtime.doors.story import Handling, Story
from leadtime.flow import advisory, coordination, exposure, intake, merging, parties, validation
from leadtime.flow.advisory import AdvisoryId
from leadtime.flow.coordination import Case, CaseId, DeliveryEntry
from leadtime.flow.exposure import PatchBy
from leadtime.flow.intake import ReportId
from leadtime.flow.validation import KeptValidation, State
from leadtime.formats.advisories import AffectedSpan
from leadtime.foundation.access import SYSTEM, Viewer
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import Missing, Unavailable
from leadtime.packages.purls import parse_purl
from leadtime.workflows import exploited, publishing, report_to_operator
from leadtime.workflows.drafting import Words, draft_advisory
from leadtime.workflows.engine import count_open
from leadtime.workflows.records import Queue

TOKEN_DAYS = 30
WAIT_SECONDS_MAX = 600
POLL_SECONDS = 0.25
ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A case of the story that its maintainer has, and the entry that the maintainer's link opened."""

    handling: Handling
    case: CaseId
    entry: DeliveryEntry


@dataclass(slots=True)
class Player:
    """A story being played in one installation; each method is a scene, to be played in this order."""

    story: Story
    database: Database
    url: str
    people: dict[str, Viewer] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    reports: list[ReportId] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    advisories: list[AdvisoryId] = field(default_factory=list)

    @contextmanager
    def as_person(self, who: str) -> Iterator[Transaction]:
        """Open a transaction of one of the story's people."""
        with self.database.transaction(self.people[who]) as tx:
            yield tx

    def enrol(self) -> None:
        """Enrol every organisation with its person, and give each person a token."""
        for key, actor in self.story.plot.organisations.items():
            with self.database.transaction(SYSTEM) as tx:
                organisation = parties.enrol_organisation(tx, name=actor.name, role=actor.role, example=True)
                address = f"{key.replace('_', '-')}@leadtime.example"
                person = parties.enrol_person(tx, organisation=organisation.id, name=actor.person, email=address)
                self.tokens[key] = parties.issue_token(tx, person.id, days=TOKEN_DAYS).secret
            self.people[key] = Viewer(actor.role, organisation.id, person.id)

    def load_facts(self) -> None:
        """Let the coordinator load the story's sources, and the operators their inventories."""
        for source in self.story.plot.sources:
            with self.as_person(self._coordinator) as tx:
                exploited.load_source(tx, kind=source.kind, raw=self.story.path(source.file).read_bytes())
        for listing in self.story.plot.inventories:
            with self.as_person(listing.by) as tx:
                raw = self.story.path(listing.file).read_bytes()
                publishing.keep_inventory(tx, asset=listing.asset, exposed=listing.exposed, raw=raw)

    def hand_in(self) -> list[intake.Receipt]:
        """Hand in every report and return the signed receipts."""
        receipts = []
        for sent in self.story.plot.reports:
            for packed in intake.pack_reports(self.story.path(sent.file)):
                if isinstance(packed, intake.ReadReport):
                    with self.as_person(sent.by) as tx:
                        receipts.append(report_to_operator.hand_in(tx, packed.content))
        self.reports = [receipt.id for receipt in receipts]
        return receipts

    def await_verdicts(self, tell: Callable[[list[KeptValidation]], None]) -> list[KeptValidation]:
        """Wait until every report is decided and merged; ``tell`` hears how far each is."""
        for _ in self._waiting("the validations"):
            with self.database.transaction(SYSTEM) as tx:
                kept = [validation.read_validation(tx, report) for report in self.reports]
                done = all(each.state is State.DECIDED and self._is_settled(tx, each) for each in kept)
            tell(kept)
            if done:
                break
        return kept

    def _is_settled(self, tx: Transaction, kept: KeptValidation) -> bool:
        """Tell whether a decided report has reached a case, if it is one that does."""
        if kept.outcome is None or kept.outcome.verdict != "reproduced":
            return True
        flaw = merging.vulnerability_of(tx, kept.report)
        found = flaw and coordination.find_case(tx, flaw)
        return bool(found and kept.report in coordination.read_case(tx, found.id).reports)

    def deliver_cases(self) -> list[Delivered]:
        """Let the coordinator set each case's embargo and deliver it, and its maintainer acknowledge."""
        for handling in self.story.plot.cases:
            with self.as_person(self._coordinator) as tx:
                case = self._case_of(tx, handling)
                ends_at = (tx.now + timedelta(days=handling.embargo_days)).strftime("%Y-%m-%dT17:00")
                coordination.set_embargo(tx, case.id, ends_at=ends_at, zone=ZONE)
                maintainer = self.people[handling.maintainer].organisation
                link = coordination.deliver(tx, case.id, parties.OrganisationId(_known(maintainer)))
            self.delivered.append(Delivered(handling, case.id, self._enter(link.secret)))
        return self.delivered

    def publish_cases(self) -> list[Case]:
        """Let each maintainer name the release with the fix, and the coordinator publish."""
        for each in self.delivered:
            with self.database.transaction(each.entry.viewer) as tx:
                coordination.name_fixed_version(tx, each.entry.delivery.id, each.handling.fixed_version)
            self.advisories.append(self._publish(each.case, each.handling))
            with self.as_person(self._coordinator) as tx:
                self.cases.append(coordination.read_case(tx, each.case).case)
        return self.cases

    @property
    def _coordinator(self) -> str:
        return next(key for key, actor in self.story.plot.organisations.items() if actor.role == "coordinator")

    def _case_of(self, tx: Transaction, handling: Handling) -> Case:
        wanted = str(parse_purl(handling.component, where="component"))
        for case in coordination.list_cases(tx).cases:
            if merging.read_vulnerability(tx, case.vulnerability).component == wanted:
                return case
        raise Missing("no report of this component was reproduced", where=wanted, next_step="Look at the verdicts.")

    def _enter(self, secret: str) -> DeliveryEntry:
        """Let the maintainer in by the link that it was sent, without an account, and acknowledge."""
        with self.database.transaction(SYSTEM) as tx:
            entry = coordination.enter_delivery(tx, secret)
        with self.database.transaction(entry.viewer) as tx:
            coordination.acknowledge(tx, entry.delivery.id)
        return entry

    def _publish(self, case: CaseId, handling: Handling) -> AdvisoryId:
        entered = handling.affected_range
        words = Words(
            title=handling.title,
            summary=handling.summary,
            remedy=f"Update to {handling.fixed_version} or later.",
            cve=handling.cve,
            cwes=(handling.cwe,) if handling.cwe else (),
            spans=(AffectedSpan(entered.introduced, entered.fixed, None, entered.source),) if entered else (),
            references=(),
        )
        with self.as_person(self._coordinator) as tx:
            draft = draft_advisory(tx, case, words, namespace=self.url)
            coordination.lift_embargo(tx, case, reason="the release with the fix is out")
        with self.as_person(self._coordinator) as tx:
            return publishing.publish(tx, draft.id).id

    def await_lists(self) -> dict[str, tuple[PatchBy, ...]]:
        """Wait until every operator that the story patches sees what touches it, and return each operator's list."""
        operators = sorted({listing.by for listing in self.story.plot.inventories})
        expected = {(done.by, str(parse_purl(done.component, where="component"))) for done in self.story.plot.deployed}
        for _ in self._waiting("the patch-by lists"):
            lists = {who: self._list_of(who) for who in operators}
            seen = {(who, line.component) for who, lines in lists.items() for line in lines}
            if expected <= seen and self._flow_is_idle():
                break
        return lists

    def _list_of(self, who: str) -> tuple[PatchBy, ...]:
        with self.as_person(who) as tx:
            return exposure.patch_by_list(tx)

    def _flow_is_idle(self) -> bool:
        with self.database.transaction(SYSTEM) as tx:
            return count_open(tx, Queue.FLOW) == 0

    def deploy(self) -> list[PatchBy]:
        """Let the operators that the story names put the fix in place."""
        done = []
        for deployed in self.story.plot.deployed:
            component = str(parse_purl(deployed.component, where="component"))
            with self.as_person(deployed.by) as tx:
                lines = [line for line in exposure.patch_by_list(tx) if line.component == component]
                done += [exposure.mark_deployed(tx, line.exposure, deployed.version) for line in lines]
        return done

    def visitor_pass(self, credentials: Mapping[str, str], models: Mapping[str, object]) -> str:
        """Return ``story.json``: how a visitor goes on as any of the people, and with which models."""
        people = {key: {"token": token} for key, token in self.tokens.items()}
        for key, credential in credentials.items():
            people[key]["grant"] = credential
        cases, advisories = [str(case.id) for case in self.cases], [str(found) for found in self.advisories]
        told = {"url": self.url, "people": people, "models": models, "cases": cases, "advisories": advisories}
        return json.dumps(told, indent=1) + "\n"

    def seen_of(self, kept: KeptValidation) -> str:
        """Return in a few words what a decided validation saw."""
        shown = json.loads(kept.outcome.result) if kept.outcome else {}
        crash = shown.get("crash")
        if not crash:
            return str(shown.get("reason", ""))
        frames = crash.get("subject_frames") or [""]
        parts = [crash["class"], frames[0], f"fixed release {(shown.get('fixed') or {}).get('verdict', 'not checked')}"]
        return ", ".join(part for part in parts if part)

    def published_numbers(self) -> list[str]:
        """Return the numbers of the advisories that the story published."""
        with self.database.transaction(SYSTEM) as tx:
            return [advisory.read_advisory(tx, found).document.number for found in self.advisories]

    def _waiting(self, what: str) -> Iterator[None]:
        """Yield until the caller has seen what it waits for; raises `Unavailable` after `WAIT_SECONDS_MAX`."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < end:
            yield
            time.sleep(POLL_SECONDS)
        raise Unavailable(f"{what} did not end in {WAIT_SECONDS_MAX} s", next_step="Look at the log of the worker.")


def _known(organisation: UUID | None) -> UUID:
    if organisation is None:
        raise Missing("this person belongs to no organisation", next_step="Enrol it first.")
    return organisation
