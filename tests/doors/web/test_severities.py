"""Finder's, verifier's and maintainer's severity stand beside each other, each with who said it."""

from __future__ import annotations

import pytest

from leadtime.flow import merging
from leadtime.flow.merging import SaidAs
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Malformed, Missing, Refused
from tests.doors.standing import browse


def test_nobodys_word_replaces_anothers(clients, world):
    case = f"/cases/{world.quiet.case.id}"
    coordinator = browse(clients(), world.people["coordinator"])
    maintainer = browse(clients(), world.people["maintainer"])
    said = {"kind": "re-rated", "severity": "medium", "reason": "It needs a login."}
    assert coordinator.submit(case, f"{case}/outcome", **said).status_code == 303
    for words in ({"severity": "none", "reason": "Not built by us."}, {"severity": "low", "reason": "<b>Rarely</b>."}):
        assert maintainer.submit(case, f"{case}/severity", **words).status_code == 303
    shown = maintainer.get(case).text
    lines = [
        "<dt>finder</dt><dd><strong>high</strong>",
        "<dt>maintainer</dt><dd><strong>low</strong>",
        "Example Maintainers: &lt;b&gt;Rarely&lt;/b&gt;.</span>",
        "<dt>maintainer</dt><dd><strong>none</strong>",
        "<dt>verifier</dt><dd><strong>medium</strong>",
        "Example Coordination Centre: It needs a login.</span>",
    ]
    places = [shown.find(line) for line in lines]
    assert places == sorted(places)
    assert -1 not in places
    for house in ("Example Lab A", "Example Lab B"):
        assert f'<dt>finder</dt><dd><strong>high</strong> <span class="lt-small">{house}</span>' in shown
    assert "severity" not in browse(clients(), world.people["finder"]).get(case).text.partition("Your moves")[2]


def test_who_says_it_is_kept_and_only_those_who_handle_it_may(world):
    flaw = world.quiet.vulnerability
    maintainer = world.people["maintainer"]
    with world.database.transaction(maintainer.viewer) as tx:
        said = merging.state_severity(tx, flaw, severity=" 5.3 ", reason="Local only.")
        assert merging.list_severities(tx, flaw) == (said,)
    told = (said.said_as, said.severity, said.organisation, said.person)
    assert told == (SaidAs.MAINTAINER, "5.3", maintainer.organisation.id, maintainer.person.id)
    with world.database.transaction(maintainer.viewer) as tx, pytest.raises(Malformed):
        merging.state_severity(tx, flaw, severity="low\nhigh", reason="x")
    for who in ("finder", "other_maintainer"):
        with world.database.transaction(world.people[who].viewer) as tx, pytest.raises(Missing):
            merging.state_severity(tx, flaw, severity="low", reason="x")
    with world.database.transaction(SYSTEM) as tx, pytest.raises(Refused, match="only a named organisation"):
        merging.state_severity(tx, flaw, severity="low", reason="x")
