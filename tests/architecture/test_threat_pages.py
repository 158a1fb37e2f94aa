"""Every claim of a threat page names a test, and every test that a threat page names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGES = sorted((ROOT / "docs" / "threats").glob("*.md"))

QUOTED = re.compile(r"`([^`\s]+)`")
NAMED = re.compile(r"^(?:test_\w+…?|Test\w+)$")
SHOWN = re.compile(r"^\|.*\| *shown by[^|]*\|$")
SAME = re.compile(r"^(?:the )?same$")

FILES = {path.name for path in TESTS.rglob("test_*.py") if "node_modules" not in path.parts}
NAMES = {
    name
    for path in TESTS.rglob("test_*.py")
    if "node_modules" not in path.parts
    for name in re.findall(r"^\s*(?:async )?(?:def|class) (\w+)", path.read_text(), re.MULTILINE)
}


def exists(named: str) -> bool:
    """Tell whether what a page calls a test is one: a path, a file's name, a function or a class."""
    path, _, inside = named.partition("::")
    if path.startswith("tests/"):
        return (ROOT / path).exists() and all(is_a_name(part) for part in inside.split("::") if part)
    return path in FILES if path.endswith(".py") else f"{path}.py" in FILES or is_a_name(path)


def is_a_name(named: str) -> bool:
    """Tell whether a function or class is called so, or begins so where the page leaves its end out."""
    if named.endswith("…"):
        return any(name.startswith(named.removesuffix("…")) for name in NAMES)
    return named in NAMES


def names_in(text: str) -> list[str]:
    return [
        name
        for name in QUOTED.findall(text)
        if name.startswith("tests/") or NAMED.match(name.removesuffix(".py").partition("::")[0])
    ]


def claims_of(page: Path) -> list[str]:
    """Return the rows of a page's tables of walls that say what they are shown by."""
    rows: list[str] = []
    shown = False
    for line in page.read_text().splitlines():
        shown = (shown or bool(SHOWN.match(line))) and line.startswith("|")
        if shown and not SHOWN.match(line) and not line.startswith("|---"):
            rows.append(line)
    return rows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_threat_page_names_exists(page):
    named = names_in(page.read_text())
    assert named
    assert [name for name in named if not exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_wall_says_which_test_shows_it(page):
    unshown = [
        row
        for row in claims_of(page)
        for cell in [row.strip("| ").split(" | ")[-1]]
        if not names_in(cell) and not SAME.match(cell)
    ]
    assert unshown == []


@pytest.mark.parametrize("name", ["sign-in", "window", "gateway", "ledger"])
def test_the_threat_pages_of_early_access_claim_something(name):
    assert len(claims_of(ROOT / "docs" / "threats" / f"{name}.md")) >= 12


def test_a_page_that_names_a_missing_test_would_be_found():
    assert not exists("tests/ledger/test_nothing.py")
    assert not exists("test_nothing_at_all.py")
    assert not exists("tests/architecture/test_threat_pages.py::test_missing")
    assert exists("tests/architecture/test_threat_pages.py::claims_of")
