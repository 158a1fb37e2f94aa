"""A developer sees how many reports name its model, by stage, and nothing else of them."""

from __future__ import annotations

from sqlalchemy import update

from leadtime.doors.read_models.thanks import Thanks, read_thanks
from leadtime.flow.intake import found_with
from leadtime.flow.intake.tables import reports
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import report_to_operator
from tests.flow.intake.factories import a_report, as_bytes


def test_reports_that_name_the_model_are_counted_by_stage(world):
    finder = world.people["finder"]
    ours = {finder.organisation.id}
    for reference, model in (("m-1", "Aster-Early"), ("m-2", "aster-early"), ("m-3", "borage")):
        found_by = {"tool": "scan", "model": model, "person_reviewed": False}
        with world.database.transaction(finder.viewer) as tx:
            report_to_operator.hand_in(tx, as_bytes(a_report(reference=reference, found_by=found_by)))
    with world.database.transaction(world.people["developer"].viewer) as tx:
        counted = read_thanks(tx, "aster-early", ours)
        elsewhere = read_thanks(tx, "aster-early", {world.people["other_finder"].organisation.id})
        unknown = read_thanks(tx, "cedar", ours)
    assert counted == Thanks(reported=2, reproduced=0, flaws=0, published=0, deployed=0)
    assert elsewhere == unknown == Thanks(0, 0, 0, 0, 0)


def test_every_stage_is_counted(world):
    with world.database.transaction(SYSTEM) as tx:
        tx.connection.execute(update(reports).values(found_with=found_with("aster", tx.keys)))
        counted = read_thanks(tx, "aster", {each.organisation.id for each in world.people.values()})
    assert counted == Thanks(reported=5, reproduced=4, flaws=2, published=1, deployed=0)
