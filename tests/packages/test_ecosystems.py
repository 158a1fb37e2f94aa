from __future__ import annotations

import pytest

from leadtime.packages.ecosystems import ecosystem_meant
from leadtime.packages.purls import is_ecosystem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PyPI", "PyPI"),
        ("pypi", "PyPI"),
        (" Python ", "PyPI"),
        ("pip", "PyPI"),
        ("node", "npm"),
        ("NPM", "npm"),
        ("golang", "Go"),
        ("cargo", "crates.io"),
        ("gem", "RubyGems"),
        ("github actions", "GitHub Actions"),
        ("debian:12", "Debian:12"),
        ("Red hat: 9", "Red Hat:9"),
        ("nowhere", "nowhere"),
        ("deb", "deb"),
        ("", ""),
    ],
)
def test_an_ecosystem_is_known_by_what_people_call_it(written: str, meant: str) -> None:
    assert ecosystem_meant(written) == meant


@pytest.mark.parametrize(
    ("name", "known"), [("PyPI", True), ("Debian:12", True), ("Debian", True), ("pypi", False), ("", False)]
)
def test_only_what_osv_names_is_an_ecosystem(*, name: str, known: bool) -> None:
    assert is_ecosystem(name) is known
