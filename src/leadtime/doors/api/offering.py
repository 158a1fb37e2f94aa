"""What the routes of half A share: the sentence of law on every answer, wanted terms and limits, refusals as leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from leadtime.doors.api.asking import AskOnce
from leadtime.doors.api.shapes import Input, Line, Prose
from leadtime.flow.window import BarredUse, DeveloperMay, GrantWanted, Limits, RecordMode, Terms
from leadtime.foundation.database import Transaction
from leadtime.foundation.voluntary import NOTICE
from leadtime.workflows.early_access import leaving_refusals

Item = TypeVar("Item")

Count = Annotated[int, Field(ge=1, le=10**15)]
Lines = Annotated[tuple[Line, ...], Field(max_length=50)]


class Offered(BaseModel, Generic[Item]):
    """An answer of half A: what was asked for, under the sentence of law that it rests on."""

    model_config = ConfigDict(frozen=True)

    notice: str = NOTICE
    result: Item


class LimitsWanted(Input):
    """Bounds on use; null: not limited here. Money is in millionths of a US dollar."""

    requests: Count | None = None
    tokens: Count | None = None
    concurrency: Count | None = None
    micro_usd: Count | None = None

    def record(self) -> Limits:
        """Return the limits as the stage takes them."""
        return Limits(self.requests, self.tokens, self.concurrency, self.micro_usd)


class TermsWanted(Input):
    """What a developer and one organisation agreed on."""

    instrument: Line
    purposes: Lines
    barred: frozenset[BarredUse] = frozenset(BarredUse)
    variants: Lines = ()
    developer_may: frozenset[DeveloperMay] = frozenset()
    agency_may_propose: bool = False
    record_mode: RecordMode = RecordMode.COMMITMENTS
    retention_days: Annotated[int, Field(ge=1, le=3_650)] = 365
    bars_foreign_access: bool = False
    foia_exemption_4: bool = False
    export_note: Prose = ""
    limits: LimitsWanted = LimitsWanted()
    networks: Lines = ()

    def record(self) -> Terms:
        """Return the terms as the stage takes them."""
        named = {name: getattr(self, name) for name in type(self).model_fields if name != "limits"}
        return Terms(limits=self.limits.record(), **named)


class GrantAsked(Input):
    """A grant to a named person; ``ends_at`` null: as long as the window."""

    person: UUID
    purpose: Line
    variants: Lines = ()
    limits: LimitsWanted = LimitsWanted()
    networks: Lines = ()
    key_thumbprint: Line | None = None
    ends_at: datetime | None = None

    def record(self) -> GrantWanted:
        """Return the wanted grant as the stage takes it."""
        return GrantWanted(
            purpose=self.purpose,
            variants=self.variants,
            limits=self.limits.record(),
            networks=self.networks,
            key_thumbprint=self.key_thumbprint,
            ends_at=self.ends_at,
        )


def offer(
    ask: AskOnce,
    thing: UUID,
    act: Callable[[Transaction], Item],
    kind: type[Offered[Item]],
    *,
    status: int = 200,
    shown_once: bool = False,
) -> Response:
    """Do a verb of half A as `AskOnce.do` and answer what it gives; a refusal leaves a leaf in the model's log."""
    with leaving_refusals(ask.site.database, ask.ask.viewer, thing):
        return ask.do(lambda tx: kind(result=act(tx)), kind, status=status, shown_once=shown_once)
