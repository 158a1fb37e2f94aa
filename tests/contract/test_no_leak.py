"""I6: what everybody reads is the same, byte for byte, whatever happens in embargoed cases."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtime.flow import coordination, priority
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import publishing, report_to_operator
from tests.doors.world import World, a_flaw, proven
from tests.flow.intake.factories import a_report, as_bytes

NOTHING = "0198a1b2-0000-7000-8000-000000000001"
PUBLIC = (
    "/",
    "/advisories",
    "/sign-in",
    "/api",
    "/metrics",
    "/.well-known/security.txt",
    "/api/v1/openapi.json",
    "/api/v1/advisories",
    "/api/v1/totals",
    "/api/v1/totals/undecided",
    "/api/v1/sources",
    "/advisories/{advisory}",
    "/api/v1/advisories/{advisory}",
    "/api/v1/advisories/{advisory}/osv",
    "/api/v1/advisories/{advisory}/csaf",
    "/osv/x_{number}.json",
    "/csaf/{file}.json",
    f"/cases/{NOTHING}",
    f"/advisories/{NOTHING}",
    "/osv/x_LT-2026-0000-0000.json",
    "/csaf/lt-2026-0000-0000.json",
)
"""Every address that answers anyone, of one advisory that is published and of things that are not there."""

_TURNS = count(1)
ACTS_MAX = 4


def an_embargoed_flaw(world: World) -> None:
    turn = next(_TURNS)
    a_flaw(world.database, world.people, f"quiet{turn}", f"Something quiet {turn}")


def a_report_that_is_not_yet_run(world: World) -> None:
    with world.database.transaction(world.people["finder"].viewer) as tx:
        report_to_operator.hand_in(tx, as_bytes(a_report(reference=f"later-{next(_TURNS)}")))


def one_more_report_of_the_published_flaw(world: World) -> None:
    report, vulnerability = proven(
        world.database, world.people["other_finder"], f"again-{next(_TURNS)}", "loop", "The same again"
    )
    with world.database.transaction(SYSTEM) as tx:
        case = coordination.open_case(tx, vulnerability, title="")
        assert (case.id, report in coordination.read_case(tx, case.id).reports) == (world.told.case.id, True)


def a_split(world: World) -> None:
    turn = next(_TURNS)
    flaw = a_flaw(world.database, world.people, f"split{turn}", f"Two flaws in one {turn}")
    with world.database.transaction(world.people["coordinator"].viewer) as tx:
        report_to_operator.split(tx, flaw.vulnerability, (flaw.report,))


def a_case_that_closes(world: World) -> None:
    turn = next(_TURNS)
    flaw = a_flaw(world.database, world.people, f"closed{turn}", f"No flaw {turn}")
    with world.database.transaction(world.people["coordinator"].viewer) as tx:
        coordination.close_case(tx, flaw.case.id, reason="no flaw")


def an_inventory(world: World) -> None:
    with world.database.transaction(world.people["operator"].viewer) as tx:
        asset, yes = f"asset {next(_TURNS)}", priority.Answer.YES
        publishing.keep_inventory(tx, asset=asset, exposed=yes, raw=b"ujson==5.0.0\n")


ACTS: tuple[Callable[[World], None], ...] = (
    an_embargoed_flaw,
    a_report_that_is_not_yet_run,
    one_more_report_of_the_published_flaw,
    a_split,
    a_case_that_closes,
    an_inventory,
)


@settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(ACTS), min_size=1, max_size=ACTS_MAX))
def test_public_answers_do_not_depend_on_what_is_embargoed(clients, world, acts):
    client = clients()
    maintainer = world.people["maintainer"]
    with world.database.transaction(maintainer.viewer) as tx:
        coordination.state_pace(tx, maintainer.organisation.id, open_deliveries_max=1_000)
    before = public(client, world)
    for act in acts:
        act(world)
    assert public(client, world) == before


@pytest.mark.parametrize("act", ACTS)
def test_each_act_leaves_public_answers_as_they_were(clients, world, act):
    client = clients()
    before = public(client, world)
    act(world)
    assert public(client, world) == before


def test_an_embargoed_thing_answers_as_one_that_is_not_there(clients, world):
    client = clients()
    public(client, world)
    quiet = world.quiet
    number = quiet.case.number
    for address, nothing in (
        (f"/cases/{quiet.case.id}", f"/cases/{NOTHING}"),
        (f"/advisories/{quiet.advisory}", f"/advisories/{NOTHING}"),
        (f"/api/v1/advisories/{quiet.advisory}", f"/api/v1/advisories/{NOTHING}"),
        (f"/reports/{quiet.report}", f"/reports/{NOTHING}"),
        (f"/osv/x_{number}.json", "/osv/x_LT-2026-0000-0000.json"),
        (f"/csaf/{number.lower()}.json", "/csaf/lt-2026-0000-0000.json"),
    ):
        named, unknown = (each.rpartition("/")[2].encode() for each in (address, nothing))
        found, missing = client.get(address), client.get(nothing)
        assert found.status_code == missing.status_code != 200
        assert found.content.replace(named, b"") == missing.content.replace(unknown, b"")


def public(client, world: World) -> dict[str, bytes]:
    """Return what anyone gets of every public address."""
    names = {"advisory": world.told.advisory, "number": world.told.case.number, "file": world.told.case.number.lower()}
    client.get("/sign-in")
    return {path: client.get(path.format(**names)).content for path in PUBLIC}
