"""Passkeys in a real browser with a virtual authenticator (WebDriver's, by the browser's own protocol)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import CDPSession, Page

from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM
from tests.browser.chromium import DESK, NEEDED, PHONE
from tests.doors.live import listening

pytestmark = NEEDED


@dataclass
class Device:
    """A page of a browser whose authenticator is virtual."""

    page: Page
    protocol: CDPSession
    authenticator: str

    def verifies(self, *, person: bool) -> None:
        """Let the authenticator recognise its person, or not."""
        told = {"authenticatorId": self.authenticator, "isUserVerified": person}
        self.protocol.send("WebAuthn.setUserVerified", told)

    def credentials(self) -> list[dict]:
        return self.protocol.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})["credentials"]


@pytest.fixture
def device(browser, site):
    """Open devices at the site, under the name that passkeys are bound to; what their consoles say fails the test."""
    said: list[str] = []

    with listening(site) as url:

        @contextmanager
        def opened(viewport=DESK) -> Iterator[Device]:
            context = browser.new_context(viewport=viewport, base_url=url.replace("127.0.0.1", "localhost"))
            page = context.new_page()
            page.on("console", lambda told: said.append(told.text) if told.type in {"error", "warning"} else None)
            page.on("pageerror", lambda error: said.append(str(error)))
            protocol = context.new_cdp_session(page)
            protocol.send("WebAuthn.enable")
            made = protocol.send(
                "WebAuthn.addVirtualAuthenticator",
                {
                    "options": {
                        "protocol": "ctap2",
                        "transport": "internal",
                        "hasResidentKey": True,
                        "hasUserVerification": True,
                        "isUserVerified": True,
                        "automaticPresenceSimulation": True,
                    }
                },
            )
            yield Device(page, protocol, made["authenticatorId"])
            context.close()

        yield opened
    assert [line for line in said if "status of 400" not in line] == []


def invite(database, somebody) -> str:
    with database.transaction(SYSTEM) as tx:
        return f"/sign-in/{parties.issue_sign_in_link(tx, somebody.person.id, minutes=10).secret}"


def register(device: Device, link: str, name: str = "laptop") -> None:
    page = device.page
    page.goto(link)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/me")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What you call it").fill(name)
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/me")


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_an_invited_person_adds_a_passkey_and_signs_in_by_it_from_then_on(device, database, coordinator, viewport):
    with device(viewport) as mine:
        page = mine.page
        register(mine, invite(database, coordinator))
        assert "laptop" in page.get_by_role("table", name="Passkeys").inner_text()
        assert [each["isResidentCredential"] for each in mine.credentials()] == [True]
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0
        sign_out(page)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**/")
        assert coordinator.person.name in page.get_by_role("banner").inner_text()


def test_it_works_by_keyboard_alone(device, database, coordinator):
    with device() as mine:
        page = mine.page
        page.goto(invite(database, coordinator))
        page.get_by_role("main").get_by_role("button", name="Sign in").press("Enter")
        page.wait_for_url("**/me")
        page.get_by_role("link", name="Add a passkey").press("Enter")
        page.get_by_label("What you call it").press_sequentially("key")
        page.get_by_label("What you call it").press("Enter")
        page.wait_for_url("**/me")
        assert "key" in page.get_by_role("table", name="Passkeys").inner_text()


def test_an_authenticator_that_does_not_recognise_its_person_signs_nobody_in(device, database, coordinator):
    with device() as mine:
        page = mine.page
        register(mine, invite(database, coordinator))
        sign_out(page)
        mine.verifies(person=False)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("Nothing was chosen, or it took too long.").wait_for()
        mine.verifies(person=True)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/")
        assert "Sign out" in page.get_by_role("banner").inner_text()


def test_a_second_passkey_on_the_same_device_is_not_made_and_a_removed_one_signs_nobody_in(
    device, database, coordinator
):
    with device() as mine, device() as other:
        page = mine.page
        register(mine, invite(database, coordinator))
        register(other, invite(database, coordinator), "spare")
        page.goto("/me/passkeys/new")
        page.get_by_label("What you call it").fill("again")
        page.get_by_role("button", name="Make the passkey").click()
        page.get_by_text("This device holds a passkey for you here already.").wait_for()
        page.goto("/me")
        page.get_by_role("button", name="Remove laptop").click()
        page.wait_for_url("**/me")
        assert "laptop" not in page.get_by_role("table", name="Passkeys").inner_text()
        sign_out(page)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_role("alert").wait_for()
        assert "This credential is not accepted." in page.get_by_role("alert").inner_text()
        sign_out(other.page)
        other.page.goto("/sign-in")
        other.page.get_by_role("button", name="Sign in with a passkey").click()
        other.page.wait_for_url("**/")


def test_a_copied_authenticator_is_noticed(device, database, coordinator):
    with device() as mine, device() as copy:
        register(mine, invite(database, coordinator))
        (held,) = mine.credentials()
        sign_out(mine.page)
        mine.page.goto("/sign-in")
        mine.page.get_by_role("button", name="Sign in with a passkey").click()
        mine.page.wait_for_url("**/")
        copy.protocol.send(
            "WebAuthn.addCredential", {"authenticatorId": copy.authenticator, "credential": {**held, "signCount": 1}}
        )
        copy.page.goto("/sign-in")
        copy.page.get_by_role("button", name="Sign in with a passkey").click()
        copy.page.get_by_role("alert").wait_for()
        assert "The counter of this passkey went back" in copy.page.get_by_role("alert").inner_text()
        mine.page.goto("/me")
        assert "Refused a passkey whose counter went back" in mine.page.get_by_role("complementary").inner_text()


def test_without_scripts_the_page_says_what_to_do_instead(browser, site, database, coordinator):
    with listening(site) as url:
        context = browser.new_context(java_script_enabled=False, base_url=url.replace("127.0.0.1", "localhost"))
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        assert "Ask your coordinator for a one-time link." in page.get_by_role("main").inner_text()
        assert page.get_by_role("button", name="Continue").is_disabled()
        context.close()


def test_at_a_number_the_site_leads_to_its_name(browser, site):
    with listening(site) as url:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/sign-in")
        name = url.replace("http://127.0.0.1", "localhost")
        page.get_by_role("link", name=f"Go to {name}").click()
        page.get_by_role("button", name="Sign in with a passkey").wait_for()
        assert page.url == f"http://{name}/sign-in"
        context.close()
