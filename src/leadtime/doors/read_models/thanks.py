"""What was reported thanks to a model's early access, by stage: counts alone, to its developer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from leadtime.flow.intake import found_with
from leadtime.foundation.database import Transaction


@dataclass(frozen=True, slots=True)
class Thanks:
    """How many reports name the model, and how far they came."""

    reported: int
    reproduced: int
    flaws: int
    published: int
    deployed: int


_COUNTS = text("""
    with named as (
        select id from reports where found_with = :model and organisation = any(:organisations)
    ), flaws as (
        select distinct vulnerability from merged_reports join named on named.id = merged_reports.report
    ), told as (
        select advisories.id from advisories join cases on cases.id = advisories.case_id
        join flaws on flaws.vulnerability = cases.vulnerability where advisories.state = 'published'
    )
    select (select count(*) from named) as reported,
        (select count(*) from validations join named on named.id = validations.report
            where verdict = 'reproduced') as reproduced,
        (select count(*) from flaws) as flaws,
        (select count(*) from told) as published,
        (select count(*) from exposures join told on told.id = exposures.advisory
            where exposures.state = 'deployed') as deployed""")


def read_thanks(tx: Transaction, model: str, organisations: Collection[UUID]) -> Thanks:
    """Return the counts of reports by ``organisations`` that name ``model``; only for whoever may read its console.

    Counted with the system's eyes, since no developer may see what is counted.
    """
    asked = {"model": found_with(model, tx.keys), "organisations": list(organisations)}
    with tx.as_system() as system:
        row = system.connection.execute(_COUNTS, asked).one()
    return Thanks(row.reported, row.reproduced, row.flaws, row.published, row.deployed)
