"""The pages as a browser shows them: nothing in the console, usable by keyboard and on a phone, accessible."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from leadtime.packages.downloads import open_client
from leadtime.packages.fetch import Fetcher
from leadtime.packages.indexes import read_indexes
from leadtime.packages.purls import parse_purl
from leadtime.packages.unpack import unpack
from tests.browser.chromium import DESK, NEEDED, PHONE
from tests.doors.live import listening
from tests.doors.world import a_world

AXE = "pkg:npm/axe-core@4.14.1"
AXE_DIGEST = "sha256:e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"

pytestmark = NEEDED


@pytest.fixture
def world(database):
    return a_world(database)


@pytest.fixture
def url(site) -> Iterator[str]:
    with listening(site) as address:
        yield address


@pytest.fixture
def open_page(browser, url) -> Iterator:
    """Open pages in fresh browsers; what their consoles say fails the test."""
    said: list[str] = []
    contexts = []

    def opened(viewport=DESK) -> Page:
        context = browser.new_context(viewport=viewport, base_url=url)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith(url) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    outside = [line for line in said if not line.startswith("data:")]
    assert outside == []


def sign_in(page: Page, somebody) -> Page:
    page.goto("/sign-in")
    page.get_by_label("API token").fill(somebody.token)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")
    return page


def shown(world):
    """Who opens what, and the heading that tells that it is there."""
    quiet = world.quiet
    return (
        ("", "/", "Finding is no longer the bottleneck"),
        ("", "/sign-in", "Sign in"),
        ("", "/advisories", "Advisories"),
        ("", f"/advisories/{world.told.advisory}", world.told.case.title),
        ("", "/api", "API"),
        ("", f"/d/{quiet.link.secret}", quiet.case.title),
        ("coordinator", "/", "Where everything stands"),
        ("coordinator", "/queue", "Queue"),
        ("coordinator", "/queue?stage=delivered", "Queue"),
        ("coordinator", "/cases", "Cases"),
        ("coordinator", f"/cases/{quiet.case.id}", quiet.case.title),
        ("coordinator", "/reports", "Reports"),
        ("coordinator", "/me", "Person of"),
        ("coordinator", "/acts", "Acts of two people"),
        ("finder", "/reports", "Your reports"),
        ("finder", f"/reports/{quiet.report}", quiet.case.title),
        ("finder", f"/reports/{quiet.report}/validation", "Validation"),
        ("maintainer", "/cases", "Cases"),
        ("maintainer", f"/advisories/{quiet.advisory}", quiet.case.title),
        ("operator", "/patch-by", "Patch by"),
        ("other_operator", "/patch-by", "Patch by"),
    )


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_fit_and_say_what_they_are(open_page, world, viewport):
    pages: dict[str, Page] = {}
    for who, path, heading in shown(world):
        if who not in pages:
            pages[who] = sign_in(open_page(viewport), world.people[who]) if who else open_page(viewport)
        page = pages[who]
        answer = page.goto(path)
        assert answer.ok, path
        assert heading in page.get_by_role("heading", level=1).inner_text(), path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"{path} is {wide} pixels too wide"


def test_the_keyboard_reaches_everything(open_page, world):
    page = sign_in(open_page(), world.people["operator"])
    page.goto("/patch-by")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.name"))
    assert "version" in reached
    assert "Mark as deployed" in reached
    page.get_by_role("button", name="Mark as deployed").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Done").wait_for()


def test_the_maintainer_answers_without_an_account_and_without_scripts(browser, url, world):
    context = browser.new_context(java_script_enabled=False, base_url=url)
    page = context.new_page()
    page.goto(f"/d/{world.quiet.link.secret}")
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Fixed in version").fill("5.2.0")
    page.get_by_role("button", name="Name the fixed version").click()
    assert "Fixed in 5.2.0." in page.get_by_role("complementary").inner_text()
    context.close()


@pytest.fixture
def axe(tmp_path) -> str:
    """The accessibility checker's script, fetched as the platform fetches releases; run only inside the browser."""
    cache = Path(os.environ.get("LEADTIME_HOME", "var")).absolute() / "releases"
    with open_client(os.environ) as client:
        release = Fetcher(cache, read_indexes(os.environ), client).release(parse_purl(AXE, where="axe"))
    assert release.digest == AXE_DIGEST
    unpack(release.archive, tmp_path / "axe", where=AXE)
    return (tmp_path / "axe" / "axe.min.js").read_text()


@pytest.mark.fetch
def test_pages_are_accessible(open_page, world, axe):
    pages: dict[str, Page] = {}
    wrong: list[str] = []
    for who, path, _ in shown(world):
        if who not in pages:
            pages[who] = sign_in(open_page(), world.people[who]) if who else open_page()
        pages[who].goto(path)
        pages[who].evaluate(axe)
        found = pages[who].evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
        wrong += [f"{path}: {each['id']} {each['nodes'][0]['html'][:160]}" for each in found["violations"]]
    assert wrong == []
