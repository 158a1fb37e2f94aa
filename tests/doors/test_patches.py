"""A patch comes in over the API, a page or a delivery's link, and its ladder is shown as a picture."""

from __future__ import annotations

import base64

import pytest

from leadtime.flow import coordination
from leadtime.flow.validation import JudgedPatch, Ladder, Rung, Standing, Step, Word
from leadtime.flow.validation.ladder.records import Applied
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.digests import digest_of
from leadtime.foundation.settings import read_settings
from leadtime.workflows.engine import Station
from leadtime.workflows.judging import judge_patch
from tests.doors.standing import browse

API = "/api/v1"
DIFF = "--- a/lib/e.c\n+++ b/lib/e.c\n@@ -1 +1 @@\n-1\n+2\n"
TOP = Ladder(tuple(Step(rung, Standing.PASSED, "it holds") for rung in Rung), Applied(("lib/e.c",), (), ""))
HALF = Ladder(
    tuple(
        Step(rung, standing, f"<i>{rung}</i> said so")
        for rung, standing in zip(
            Rung, [Standing.PASSED] * 3 + [Standing.FAILED] + [Standing.NOT_CHECKED] * 2, strict=True
        )
    ),
    Applied(("lib/e.c",), (), ""),
)


@pytest.fixture
def judge(world, home):
    """Judge the quiet case's newest patch against its reports, with these ladders in turn."""

    def judge_with(*ladders: Ladder | None) -> None:
        station = Station(world.database, None, read_settings({"LEADTIME_HOME": str(home)}))
        with world.database.transaction(SYSTEM) as tx:
            patch = coordination.list_patches(tx, world.quiet.case.id)[0].id
        for ladder in ladders:
            word = Word.REPRODUCED if ladder else Word.NOT_REPRODUCED
            judge_patch(
                lambda *_, w=word, seen=ladder: JudgedPatch(w, "none of 5 runs failed", "sha256:e", seen),
                station,
                patch,
            )

    return judge_with


def test_over_the_api_a_patch_is_handed_in_once_and_read_with_its_rungs(clients, world, judge):
    coordinator, maintainer = clients(world.token("coordinator")), clients(world.token("maintainer"))
    case = f"{API}/cases/{world.quiet.case.id}/patches"
    answer = maintainer.post(case, json={"diff": DIFF})
    again = coordinator.post(case, json={"diff": DIFF})
    assert (answer.status_code, again.json()) == (201, answer.json())
    told = answer.json()
    assert told["digest"] == digest_of(DIFF.encode())
    assert told["person"] == str(world.people["maintainer"].person.id)
    second = maintainer.post(case, json={"diff": DIFF.replace("+2", "+3")}).json()

    first_page = maintainer.get(f"{case}?limit=1").json()
    assert first_page["items"] == [second]
    assert maintainer.get(f"{case}?cursor={first_page['cursor']}").json() == {"items": [told], "cursor": None}
    judge(HALF, None)
    read = maintainer.get(f"{API}/patches/{second['id']}").json()
    assert (read["patch"], base64.b64decode(read["diff_base64"]).decode()) == (second, DIFF.replace("+2", "+3"))
    ladder, nothing = sorted(read["judgements"], key=lambda each: not each["steps"])
    assert (ladder["reached"], ladder["verdict"], ladder["environment"]) == (
        "reproducer_silent",
        "reproduced",
        "sha256:e",
    )
    assert ladder["steps"][3] == {
        "rung": "variants_silent",
        "standing": "failed",
        "reason": "<i>variants_silent</i> said so",
    }
    assert (nothing["reached"], nothing["verdict"], nothing["steps"]) == (None, "not_reproduced", [])


@pytest.mark.parametrize(
    ("body", "status"),
    [({"diff": "please"}, 400), ({"diff": ""}, 422), ({}, 422), ({"diff": DIFF + "#" * 262_144}, 400)],
)
def test_over_the_api_what_is_no_patch_is_refused_in_a_sentence(clients, world, body, status):
    answer = clients(world.token("maintainer")).post(f"{API}/cases/{world.quiet.case.id}/patches", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    surrogate = b'{"diff": "\\ud800"}'
    raw = clients(world.token("maintainer")).post(
        f"{API}/cases/{world.quiet.case.id}/patches", content=surrogate, headers={"content-type": "application/json"}
    )
    assert raw.status_code in {400, 422}


def test_by_its_link_a_maintainer_hands_in_without_an_account_and_sees_the_ladder(clients, world, judge):
    browser, page = clients(), f"/d/{world.quiet.link.secret}"
    assert "None was handed in yet." in browser.get(page).text
    sent = browser.submit(page, f"{page}/patches", diff=DIFF.replace("\n", "\r\n").rstrip())
    assert (sent.status_code, sent.headers["location"]) == (303, f"{page}#patches")
    assert "waiting to be judged" in browser.get(page).text
    judge(TOP, HALF)

    shown = browser.get(page).text
    ladders = shown.partition('<h2 id="patches">')[2].partition('<h2 id="report">')[0]
    assert ladders.index("reaches: reproducer silent") < ladders.index("6 of 6 machine rungs hold")
    assert f'patch <span class="lt-mono">{digest_of(DIFF.encode())[7:19]}</span> of Example Maintainers' in ladders
    assert "No person has reviewed a patch" in ladders
    assert '<li class="lt-rung-failed"><strong>variants silent</strong>' in ladders
    assert ladders.count('class="lt-rung-passed"') == 9
    assert "&lt;i&gt;variants_silent&lt;/i&gt; said so" in ladders
    assert ladders.count('<li class="lt-rung-not_checked">') == 2
    href = ladders.partition(f'href="{page}/patches/')[2].partition('"')[0]
    given = browser.get(f"{page}/patches/{href}")
    assert given.content == DIFF.encode()
    assert given.headers["content-disposition"] == f'attachment; filename="{href}"'


def test_on_the_cases_page_a_file_is_taken_as_it_is(clients, world, judge):
    browser, page = browse(clients(), world.people["coordinator"]), f"/cases/{world.quiet.case.id}"
    raw = DIFF.replace("\n", "\r\n").encode() + b"\xff"
    assert browser.submit(page, f"{page}/patches", files={"file": ("fix.diff", raw)}).status_code == 303
    with world.database.transaction(SYSTEM) as tx:
        (patch,) = coordination.list_patches(tx, world.quiet.case.id)
    assert browser.get(f"{page}/patches/{patch.id}.diff").content == raw
    judge(None)
    shown = browser.get(page).text
    assert "No ladder: without the patch the flaw did not show. None of 5 runs failed." in shown
    assert browser.get(f"/cases/{world.told.case.id}/patches/{patch.id}.diff").status_code == 404


def test_a_finder_sees_no_patch_and_an_empty_form_is_refused(clients, world):
    page = f"/cases/{world.quiet.case.id}"
    maintainer = browse(clients(), world.people["maintainer"])
    refused = maintainer.submit(page, f"{page}/patches", diff=" \r\n")
    assert (refused.status_code, "here is no patch in the form" in refused.text) == (400, True)
    assert maintainer.submit(page, f"{page}/patches", diff=DIFF).status_code == 303
    shown = browse(clients(), world.people["finder"]).get(page).text
    assert "patches" not in shown
    assert "handed in a patch" not in shown


def test_a_closed_case_offers_no_form(clients, world):
    page = f"/cases/{world.quiet.case.id}"
    maintainer = browse(clients(), world.people["maintainer"])
    maintainer.submit(page, f"{page}/patches", diff=DIFF)
    with world.database.transaction(world.people["coordinator"].viewer) as tx:
        coordination.close_case(tx, world.quiet.case.id, reason="done")
    shown = maintainer.get(page).text
    assert '<h2 id="patches">' in shown
    assert "Hand in a patch" not in shown
