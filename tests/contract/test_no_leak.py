"""I6: what everybody reads is the same, byte for byte, whether or not embargoed cases exist."""

from __future__ import annotations

from tests.doors.world import a_cast, a_flaw

PUBLIC = (
    "/",
    "/advisories",
    "/sign-in",
    "/api",
    "/metrics",
    "/.well-known/security.txt",
    "/api/v1/advisories",
    "/api/v1/totals",
    "/api/v1/sources",
    "/cases/0198a1b2-0000-7000-8000-000000000001",
    "/advisories/0198a1b2-0000-7000-8000-000000000001",
)


def test_public_answers_do_not_depend_on_embargoed_cases(clients, database):
    people = a_cast(database)
    client = clients()
    client.get("/sign-in")
    before = {path: client.get(path).content for path in PUBLIC}
    flaw = a_flaw(database, people, "heap", "Something quiet")
    after = {path: client.get(path).content for path in PUBLIC}
    assert before == after
    for path in (f"/cases/{flaw.case.id}", f"/advisories/{flaw.advisory}", f"/reports/{flaw.report}"):
        nothing = path.rpartition("/")[0] + "/0198a1b2-0000-7000-8000-000000000001"
        assert client.get(path).content == client.get(nothing).content
