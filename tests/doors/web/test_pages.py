from __future__ import annotations

import io
import json
import zipfile

from leadtime.doors.read_models import delivery
from tests.doors.standing import browse
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes


def test_the_coordinator_sees_one_case_whole(clients, world):
    page = browse(clients(), world.people["coordinator"]).get(f"/cases/{world.quiet.case.id}")
    assert page.status_code == 200
    for shown in (
        "ujson writes past a buffer when it indents",
        world.quiet.case.number,
        "stack-buffer-overflow",
        "Buffer_AppendIndentUnchecked",
        "5 of 5 runs",
        "happens in 56 % to 100 % of runs",
        "17 Sep 2026, 12:00 America/New_York",
        "17 Sep 2026, 16:00 UTC",
        "Example Lab A",
        "Example Lab B",
        "Why this is one flaw",
        "delivered to a maintainer",
        "Publish the advisory",
    ):
        assert shown in page.text, shown


def test_the_list_says_whose_move_it_is(clients, world):
    page = browse(clients(), world.people["coordinator"]).get("/cases")
    assert "Maintainer</span>: acknowledge" in page.text
    assert world.quiet.case.number in page.text
    theirs = browse(clients(), world.people["maintainer"]).get("/cases")
    assert "You</span>: acknowledge" in theirs.text


def test_a_finder_sees_the_case_but_neither_the_other_finders_report_nor_buttons(clients, world):
    page = browse(clients(), world.people["finder"]).get(f"/cases/{world.quiet.case.id}")
    assert page.status_code == 200
    assert page.text.count("<article") == 1
    assert "Your moves" not in page.text


def test_the_maintainer_needs_no_account(clients, world):
    client = clients()
    base = f"/d/{world.quiet.link.secret}"
    page = client.get(base)
    assert page.status_code == 200
    number = world.quiet.case.number
    assert f"unzip {number}.zip -d {number} &amp;&amp; cd {number}/report-1 &amp;&amp; leadtime validate" in page.text
    packed = client.get(f"{base}/reproducer.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        folders = [f"report-{each}/{name}" for each in (1, 2) for name in ("encode.py", "nested.json", "recipe.json")]
        assert sorted(archive.namelist()) == ["README.txt", *folders]
        assert json.loads(archive.read("report-2/recipe.json"))["oracle"] == "sanitizer"
        readme = archive.read("README.txt").decode()
    assert readme.startswith(f"Reproducers of {number}, as http://site.test handed them over.")
    assert f"cd {number}/report-1 && leadtime validate --recipe recipe.json" in readme
    assert readme.endswith("Folders here: 2 of 2.\n")
    assert client.submit(base, f"{base}/acknowledge").status_code == 303
    assert client.submit(base, f"{base}/fixed", version="5.1.0").status_code == 303
    refused = client.submit(base, f"{base}/fixed", version="soon, promised")
    assert refused.status_code == 400
    assert "is not a version in the order of PEP 440" in refused.text
    assert client.submit(base, f"{base}/fixed", version="5.2.0").status_code == 303
    after = client.get(base).text
    assert "Acknowledged" in after
    assert 'Fixed in <strong class="lt-mono">5.2.0</strong>' in after


def test_an_archive_of_reproducers_is_bounded_and_says_what_it_leaves_out(clients, world, monkeypatch):
    monkeypatch.setattr(delivery, "PACKED_BYTES_MAX", 1)
    packed = clients().get(f"/d/{world.quiet.link.secret}/reproducer.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {"README.txt", "report-1"}
        assert archive.read("README.txt").decode().endswith("Folders here: 1 of 2.\n")


def test_the_maintainers_link_says_first_who_sent_it_until_when_and_whom_to_answer(clients, world):
    page = clients().get(f"/d/{world.quiet.link.secret}").text
    head = page.partition('id="reproduce"')[0]
    said = (
        "Person of Example Coordination Centre of Example Coordination Centre",
        "sent you this: somebody reported a flaw in your software.",
        "It can be read until",
        "Please keep it quiet until the embargo ends,",
        "What the finders wrote",
    )
    assert [each for each in said if each not in head] == []
    assert head.count('<div class="lt-quote"') == 2
    assert "Not a flaw, less severe, or not yours: write to" in page
    assert f'<a href="mailto:p@example.org">p@example.org</a>, and name {world.quiet.case.number}.' in page


def test_a_wrong_link_opens_nothing(anyone):
    answer = anyone.get("/d/ltd_nothing")
    assert answer.status_code == 403
    assert "This link is not accepted." in answer.text


def test_the_coordinator_makes_every_move_from_the_page(clients, world, clock):
    client = browse(clients(), world.people["coordinator"])
    page = f"/cases/{world.quiet.case.id}"
    assert client.submit(page, f"{page}/embargo", ends_at="2026-08-20T09:00", zone="Europe/Berlin").status_code == 303
    assert "20 Aug 2026, 09:00 Europe/Berlin" in client.get(page).text
    other = world.people["other_maintainer"].organisation.id
    sent = client.submit(page, f"{page}/deliver", organisation=str(other))
    assert "http://site.test/d/ltd_" in sent.text
    refused = client.submit(page, f"{page}/publish", sure="yes")
    assert refused.status_code == 403
    assert "The embargo runs until" in refused.text
    clock.advance(days=17)
    browse(client, world.people["coordinator"])  # sessions end meanwhile
    assert client.submit(page, f"{page}/publish", sure="yes").status_code == 303
    assert "Published" in client.get(page).text


def test_an_operator_reads_dates_with_their_row_and_marks_what_is_deployed(clients, world):
    client = browse(clients(), world.people["operator"])
    page = client.get("/patch-by").text
    assert "pkg:pypi/ujson@5.0.0" in page
    assert "patient portal" in page
    assert "BOD 26-04, row 7" in page
    assert client.submit("/patch-by", f"/patch-by/{world.exposure}/deployed", version="5.0.0").status_code == 403
    assert client.submit("/patch-by", f"/patch-by/{world.exposure}/deployed", version="5.2.0").status_code == 303
    assert "deployed</span>" in client.get("/patch-by").text


def test_an_operator_uploads_an_inventory(clients, world):
    client = browse(clients(), world.people["other_operator"])
    fields = {"asset": "ledger host", "exposed": "no"}
    kept = client.submit("/patch-by", "/inventories", files={"file": ("p.txt", b"ujson==5.0.0\n")}, **fields)
    assert kept.status_code == 303
    shown = client.get(kept.headers["location"]).text
    assert "Kept: 1 component of ledger host, every one of which can be matched." in shown
    assert "ledger host" in client.get("/patch-by").text
    for bad in ({"exposed": "maybe"}, {"asset": " "}):
        answer = client.submit("/patch-by", "/inventories", files={"file": ("p.txt", b"x==1\n")}, **{**fields, **bad})
        assert answer.status_code == 400
    refused = client.submit("/patch-by", "/inventories", files={"file": ("p", b"")}, **fields)
    assert refused.status_code == 400
    assert '<a class="usa-button usa-button--outline" href="/patch-by">Back to the form</a>' in refused.text


def test_after_an_upload_an_operator_reads_what_could_not_be_matched_and_why(clients, world):
    client = browse(clients(), world.people["other_operator"])
    rows = "".join(f"<b>part-{number}</b>,1\n" for number in range(12))
    fields = {"asset": "ledger <host>", "exposed": "no"}
    kept = client.submit(
        "/patch-by", "/inventories", files={"file": ("p.csv", f"name,version\n{rows}".encode())}, **fields
    )
    page = client.get(kept.headers["location"]).text
    alert = page.partition('role="alert"')[2].partition("</section>")[0]
    assert "12 of 12 components of ledger &lt;host&gt; could not be matched" in alert
    assert "line 2: &lt;b&gt;part-0&lt;/b&gt; 1: it has neither an ecosystem nor a purl: add a column" in alert
    assert "part-9" in alert
    assert "part-10" not in alert
    assert "and 2 more" in alert
    assert 'role="alert"' not in client.get("/patch-by").text


def test_a_refused_form_says_why_and_leads_back_to_its_page(clients, world):
    client = browse(clients(), world.people["coordinator"])
    page = f"/cases/{world.quiet.case.id}"
    refused = client.submit(page, f"{page}/embargo", ends_at="2020-01-01T09:00", zone="Nowhere/Else")
    assert refused.status_code == 400
    assert f'href="{page}">Back to the form</a>' in refused.text
    link = f"/d/{world.quiet.link.secret}"
    assert f'href="{link}">Back to the form</a>' in clients().submit(link, f"{link}/fixed", version=" ").text
    assert "Back to the form" not in client.get("/cases/nothing").text


def test_a_finder_follows_its_reports(clients, world):
    client = browse(clients(), world.people["finder"])
    listed = client.get("/reports").text
    assert "not reproduced" in listed
    assert "Example Lab B" not in listed
    page = client.get(f"/reports/{world.quiet.report}").text
    assert world.quiet.case.number in page
    receipt = client.get(f"/reports/{world.quiet.report}/receipt.json").json()
    assert receipt["id"] == str(world.quiet.report)


def test_everybody_reads_what_is_published_and_nothing_else(anyone, world):
    assert "never returns from a negative indent" in anyone.get("/advisories").text
    page = anyone.get(f"/advisories/{world.told.advisory}").text
    assert "run here, in the sandbox" in page
    assert "entered by a person: CVE-2021-45958, public description" in page
    osv = page.partition('href="/osv/')[2].partition('"')[0]
    assert anyone.get(f"/osv/{osv}").json()["aliases"] == ["CVE-2021-45958"]
    csaf = page.partition('href="/csaf/')[2].partition('"')[0]
    assert anyone.get(f"/csaf/{csaf}").json()["document"]["tracking"]["version"] == "1"
    assert anyone.get(f"/advisories/{world.quiet.advisory}").status_code == 404


def test_a_draft_is_read_by_its_cases_people(clients, world):
    client = browse(clients(), world.people["maintainer"])
    assert "A draft: this is what it would say." in client.get(f"/advisories/{world.quiet.advisory}").text


def test_public_counts_are_rounded_and_exact_ones_are_the_coordinators(anyone, clients, world):
    public = anyone.get("/").text
    assert public.count("under 10") == 12
    exact = browse(clients(), world.people["coordinator"]).get("/").text
    assert "under 10" not in exact
    assert '<span class="lt-count">5</span><span class="lt-name"><a href="/reports">Received' in exact


def test_the_coordinator_reads_what_the_finders_wrote_and_opens_their_reports(clients, world):
    page = browse(clients(), world.people["coordinator"]).get(f"/cases/{world.quiet.case.id}").text
    assert "What the finders wrote" in page
    assert page.count("Encoding a deeply nested list with a large indent writes past the buffer.") == 2
    assert f'<a href="/reports/{world.quiet.report}">The whole report</a>' in page
    assert "lib/ultrajsonenc.c:518 Buffer_AppendIndentUnchecked" in page


def test_a_maintainer_who_signed_in_reads_downloads_and_answers_on_the_case(clients, world):
    client = browse(clients(), world.people["maintainer"])
    base = f"/cases/{world.quiet.case.id}"
    page = client.get(base).text
    assert "Encoding a deeply nested list with a large indent" in page
    assert "The whole report" not in page
    with zipfile.ZipFile(io.BytesIO(client.get(f"{base}/reproducer.zip").content)) as archive:
        assert "report-1/recipe.json" in archive.namelist()
    assert client.submit(base, f"{base}/acknowledge").status_code == 303
    assert client.submit(base, f"{base}/fixed", version="5.1.0").status_code == 303
    assert client.submit(base, f"{base}/fixed", version="5.2.0").status_code == 303
    after = client.get(base).text
    assert 'Fixed in <strong class="lt-mono">5.2.0</strong>' in after
    assert "Correct the fixed version" in after
    assert f'action="{base}/acknowledge"' not in after
    other = browse(clients(), world.people["finder"])
    assert "Your answer" not in other.get(base).text


def test_a_draft_gets_ranges_with_their_source_and_references_from_the_page(clients, world):
    client = browse(clients(), world.people["coordinator"])
    base = f"/cases/{world.quiet.case.id}"
    words = {"title": "t", "summary": "s", "rows": "yes"}
    rows = {
        "introduced 1": "1.34", "fixed 1": "5.2.0", "source 1": "upstream's notes",
        "last 2": "0.9", "source 2": "their archive",
        "kind 1": "fix", "url 1": "https://example.org/fix", "says 1": "the change",
    }  # fmt: skip
    assert client.submit(base, f"{base}/draft", **words, **rows).status_code == 303
    shown = client.get(base).text
    for part in ('value="upstream&#39;s notes"', 'name="last 2"', 'value="0.9"', 'value="https://example.org/fix"'):
        assert part in shown, part
    advised = client.get(f"/advisories/{world.quiet.advisory}").text
    assert "entered by a person: upstream&#39;s notes" in advised
    refused = client.submit(base, f"{base}/draft", **words, **{"fixed 1": "5.2.0"})
    assert refused.status_code == 400
    assert "A range that was not run needs its source." in refused.text
    assert "range 1" in refused.text
    assert client.submit(base, f"{base}/draft", **words, **{"url 1": "x", "kind 1": "gossip"}).status_code == 400
    assert client.submit(base, f"{base}/draft", **words).status_code == 303
    assert "upstream" not in client.get(base).text


def test_a_second_link_is_made_only_when_it_is_meant_to_end_the_first(clients, world):
    client = browse(clients(), world.people["coordinator"])
    base = f"/cases/{world.quiet.case.id}"
    assert "Example Maintainers has a link already." in client.get(base).text
    wanted = {"organisation": str(world.people["maintainer"].organisation.id)}
    refused = client.submit(base, f"{base}/deliver", **wanted)
    assert refused.status_code == 409
    assert "This maintainer has a link already, and a new one would end it." in refused.text
    assert clients().get(f"/d/{world.quiet.link.secret}").status_code == 200
    assert "/d/ltd_" in client.submit(base, f"{base}/deliver", again="yes", **wanted).text
    assert clients().get(f"/d/{world.quiet.link.secret}").status_code == 403


def test_an_embargo_is_lifted_an_advisory_withdrawn_and_a_case_closed_from_the_page(clients, world):
    client = browse(clients(), world.people["coordinator"])
    quiet, told = f"/cases/{world.quiet.case.id}", f"/cases/{world.told.case.id}"
    assert client.submit(quiet, f"{quiet}/lift", reason="It is public.").status_code == 303
    assert "No embargo is set." in client.get(quiet).text
    assert "Lift the embargo" not in client.get(quiet).text
    assert client.submit(told, f"{told}/withdraw", reason="Not a flaw.").status_code == 303
    assert "withdrawn" in client.get(told).text
    assert client.submit(quiet, f"{quiet}/close", reason="Somebody else has it.").status_code == 303
    closed = client.get(quiet).text
    assert "Open the case again" in closed
    assert "Close the case" not in closed
    assert clients().get(f"/d/{world.quiet.link.secret}").status_code == 403


def test_a_coordinator_opens_a_case_for_a_report_that_was_not_reproduced_and_must_say_why_again_to_send_it(
    clients, world
):
    client = browse(clients(), world.people["coordinator"])
    page = f"/reports/{world.unproven}"
    assert "Open a case all the same" in client.get(page).text
    assert "Run it again" not in client.get(page).text
    assert "Open a case all the same" not in browse(clients(), world.people["finder"]).get(page).text
    opened = client.submit(page, f"{page}/case", reason="Seen in the wild.")
    assert opened.status_code == 303
    case = opened.headers["location"]
    shown = client.get(case).text
    assert "Seen in the wild." in shown
    assert "Say why it is sent all the same" in shown
    wanted = {"organisation": str(world.people["maintainer"].organisation.id)}
    assert client.submit(case, f"{case}/deliver", **wanted).status_code == 403
    sent = client.submit(case, f"{case}/deliver", reason="They asked for it.", **wanted).text
    told = clients().get(sent.partition("http://site.test")[2].partition('"')[0]).text
    assert "They asked for it." in told
    assert "It was reproduced" not in told
    assert told.index("Nobody has reproduced this") < told.index("sent you this")
    assert "Hand in a patch" not in told
    assert "Open a case all the same" not in client.get(page).text


def test_a_report_that_names_other_software_than_it_runs_says_so(clients, world):
    recipe = {"schema": "leadtime.recipe/1", "subject": {"vulnerable": "pkg:pypi/ujson@5.0.0"}}
    told = a_report(component="pkg:pypi/requests@2.31.0", reproducer=a_reproducer(recipe=recipe))
    sent = clients(world.token("finder")).post("/api/v1/reports", content=as_bytes(told))
    page = browse(clients(), world.people["coordinator"]).get(f"/reports/{sent.json()['id']}").text
    assert "The report names pkg:pypi/requests@2.31.0; what is run is pkg:pypi/ujson." in page
    quiet = browse(clients(), world.people["coordinator"]).get(f"/reports/{world.quiet.report}").text
    assert "what is run is" not in quiet


def test_everybody_gets_the_index_and_the_archive_of_what_is_published(anyone, clients, world):
    number = world.told.case.number
    listed = anyone.get("/osv/").json()
    assert [(each["id"], each["href"]) for each in listed["records"]] == [(f"x_{number}", f"/osv/x_{number}.json")]
    assert (listed["archive"], listed["cursor"]) == ("/osv/all.zip", None)
    packed = anyone.get("/osv/all.zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == [f"x_{number}.json"]
        assert archive.read(f"x_{number}.json") == anyone.get(f"/osv/x_{number}.json").content
    assert clients(world.token("coordinator")).get("/osv/all.zip").content == packed


def test_a_published_advisory_is_read_by_its_number_too(anyone, world):
    base = "/api/v1/advisories"
    by_id = anyone.get(f"{base}/{world.told.advisory}").json()
    assert anyone.get(f"{base}/{world.told.case.number}").json() == by_id
    assert anyone.get(f"{base}/{world.quiet.case.number}").status_code == 404
    assert anyone.get(f"{base}/nothing").status_code == 422
