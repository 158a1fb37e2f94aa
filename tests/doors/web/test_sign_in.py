from __future__ import annotations

from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM


def test_a_one_time_link_signs_in_once_and_only_by_its_button(clients, database, coordinator):
    with database.transaction(SYSTEM) as tx:
        link = parties.issue_sign_in_link(tx, coordinator.person.id, minutes=10).secret
    scanner, browser, second = clients(), clients(), clients()
    assert scanner.get(f"/sign-in/{link}").status_code == 200
    assert browser.submit(f"/sign-in/{link}", f"/sign-in/{link}").status_code == 303
    assert "Where everything stands" in browser.get("/").text
    again = second.submit(f"/sign-in/{link}", f"/sign-in/{link}")
    assert again.status_code == 400
    assert "Ask your coordinator for a fresh link." in again.text


def test_a_link_ends(clients, database, coordinator, clock):
    with database.transaction(SYSTEM) as tx:
        link = parties.issue_sign_in_link(tx, coordinator.person.id, minutes=10).secret
    clock.advance(minutes=10)
    client = clients()
    assert client.submit(f"/sign-in/{link}", f"/sign-in/{link}").status_code == 400


def test_a_form_without_this_browsers_word_is_refused(clients, coordinator):
    stranger, browser = clients(), clients()
    word = stranger.get("/sign-in").text.partition('name="csrf" value="')[2].partition('"')[0]
    browser.get("/sign-in")
    for fields in ({}, {"csrf": ""}, {"csrf": word}, {"csrf": "⟨"}):
        answer = browser.post("/sign-in", data={"token": coordinator.token, **fields})
        assert answer.status_code == 403
        assert "This form is not from a page that this browser opened here" in answer.text


def test_signing_out_ends_a_session_but_not_the_token_that_opened_it(clients, database, coordinator):
    with database.transaction(SYSTEM) as tx:
        link = parties.issue_sign_in_link(tx, coordinator.person.id, minutes=10).secret
    by_link, by_token = clients(), clients()
    by_link.submit(f"/sign-in/{link}", f"/sign-in/{link}")
    by_token.submit("/sign-in", "/sign-in", token=coordinator.token)
    for browser in (by_link, by_token):
        session = browser.http.cookies["leadtime"]
        assert clients(session).get("/api/v1/me").status_code == 200
        assert "Sign out" in browser.get("/").text
        assert browser.submit("/", "/sign-out").status_code == 303
        assert "Sign out" not in browser.get("/").text
        assert clients(session).get("/api/v1/me").status_code == 401
    assert clients(coordinator.token).get("/api/v1/me").status_code == 200


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(clients, coordinator):
    client = clients()
    answer = client.submit("/sign-in", "/sign-in", token=coordinator.token)
    session, visit = answer.headers.get_list("set-cookie")
    assert session.startswith("leadtime=lts_")
    assert session.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax")
    assert coordinator.token not in session
    assert visit.startswith('leadtime-visit=""; ')


def test_a_session_in_a_browser_ends_when_it_is_left(clients, coordinator, clock):
    client = clients()
    client.submit("/sign-in", "/sign-in", token=coordinator.token)
    clock.advance(minutes=29)
    assert "Sign out" in client.get("/").text
    clock.advance(minutes=30)
    assert "Sign out" not in client.get("/").text


def test_a_wrong_token_is_refused_in_one_sentence(anyone):
    for token in ("lt_nothing", "", "x" * 201, "ö"):
        answer = anyone.submit("/sign-in", "/sign-in", token=token)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
