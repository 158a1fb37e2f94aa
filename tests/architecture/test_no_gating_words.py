"""Half A offers, consents, withdraws and releases; it has no word for standing in a release's way.

Scanned: the schema, every route with its description, templates, command help, all identifiers, texts and comments of
the source, and the documentation. What the law says verbatim is apart, and so are the names of HTTP's own header.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from leadtime.doors.app import build_api
from leadtime.doors.cli.main import leadtime as commands
from leadtime.foundation.voluntary import SECTION_3C
from leadtime.workflows.whole_schema import whole_schema

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "leadtime"
TEMPLATES = SOURCE / "doors" / "web" / "templates"

GATING = re.compile(
    r"(?:dis)?approv(?:e|es|ed|al|als|ing)|den(?:y|ies|ied|ial|ials|ying)|clear(?:s|ed|ing|ance|ances)|preclear\w*"
    r"|licen[cs](?:e|es|ed|ing|ure|ee|ees|or|ors)|permit(?:s|ted|ting)?|permissions?"
    r"|authori[sz](?:e|es|ed|ing|ation|ations)|gate[sd]?|gating|gatekeep\w*|veto\w*|vet(?:s|ted|ting)|certif(?:y|ies|ied|ication)|sanction\w*|mandat\w*"
)
"""Verbs and nouns of gating, as whole words; *refuse* is for a request that is outside an agreement."""

WORD = re.compile(r"[A-Za-z]+")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
HEADER = re.compile(r"\b(?:proxy-)?authorization\b|HTTPAuthorizationCredentials|\bpermission_error\b", re.IGNORECASE)
"""Words of protocols that have no other name: the header of RFC 9110, section 11.6.2, and an error type that clients of
model providers know."""

SOFTWARE = re.compile(r"\b(?:software|Apache-2\.0|MIT|GPL) licen[cs]es?\b", re.IGNORECASE)
LAW = re.compile(r"[\s>*_]+".join(re.escape(word) for word in SECTION_3C.split()))

FILES = [
    *sorted((SOURCE / "flow" / "window").glob("*.py")),
    *sorted((SOURCE / "flow" / "gateway").glob("*.py")),
    *sorted((SOURCE / "flow" / "assessment").glob("*.py")),
    *sorted((SOURCE / "doors" / "model_api").glob("*.py")),
    *(SOURCE / "doors" / "api" / name for name in ("models.py", "windows.py", "offering.py", "flags.py", "calls.py")),
    *(SOURCE / "doors" / "cli" / name for name in ("window.py", "grant.py", "flag.py", "call.py")),
    *(SOURCE / "doors" / "web" / name for name in ("offers.py", "flags.py")),
    *(
        SOURCE / "doors" / "read_models" / name
        for name in ("offers.py", "budgets.py", "thanks.py", "flags.py", "openings.py", "access_log.py")
    ),
    *sorted((SOURCE / "doors").glob("demo_*.py")),
    *(SOURCE / "doors" / name for name in ("play_offers.py", "gateway_metrics.py", "small_model.py")),
    SOURCE / "workflows" / "early_access.py",
]
PAGES = [
    path
    for kind, words in ((TEMPLATES, "*.html"), (ROOT / "docs", "**/*.md"))
    for path in sorted(kind.glob(words))
    if re.search(r"window|gateway|model|grant|flag|evaluator|developer|partner|offer", path.stem)
]
TABLES = ("model", "agreement", "window", "grant", "return", "designation", "gateway", "call")
ROUTES = re.compile(r"/(models|agreements|designations|windows|entries|grants|sealing-key)\b|^/v1/")


def gating_words(text: str) -> list[str]:
    """Return the words of gating in a text, in which names are taken apart."""
    plain = SOFTWARE.sub(" ", HEADER.sub(" ", LAW.sub(" ", text)))
    return [word for word in WORD.findall(HUMP.sub(" ", plain)) if GATING.fullmatch(word.lower())]


def tokens_of(path: Path) -> Iterator[str]:
    """Yield each identifier, text and comment of a source file."""
    kinds = {tokenize.NAME, tokenize.STRING, tokenize.COMMENT}
    for token in tokenize.tokenize(io.BytesIO(path.read_bytes()).readline):
        if token.type in kinds:
            yield token.string


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_source_has_no_word_of_gating(path):
    assert [word for text in tokens_of(path) for word in gating_words(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_templates_and_documentation_have_no_word_of_gating(path):
    assert gating_words(path.read_text()) == []


def test_the_schema_has_no_word_of_gating():
    names = [
        name
        for table in whole_schema().tables.values()
        if table.name.startswith(TABLES)
        for name in (table.name, *table.columns.keys(), *filter(None, table.info.values()))
    ]
    assert len(names) > 60
    assert [word for name in names for word in gating_words(name)] == []


def test_routes_and_their_descriptions_have_no_word_of_gating(site):
    described = build_api(site).openapi()
    paths = {path: told for path, told in described["paths"].items() if ROUTES.search(path)}
    assert len(paths) > 20
    assert gating_words(json.dumps(paths)) == []


@pytest.mark.parametrize("name", ["window", "grant", "flag", "call"])
def test_commands_and_their_help_have_no_word_of_gating(name):
    group = commands.get_command(click.Context(commands), name)
    assert isinstance(group, click.Group)
    for command in (group, *group.commands.values()):
        context = click.Context(command, info_name=command.name)
        assert gating_words(command.get_help(context)) == [], command.name


@pytest.mark.parametrize(
    "text",
    [
        "def approve_release(): ...",
        "class LicenseState: ...",
        "state = 'pre-release denied'",
        "The window is a permit.",
        "cleared_at",
        "leadtime window authorize MODEL",
        "A clearance is needed.",
        "Preclearance",
        "gated",
        "permissionDenied",
        "the developer vetoes it",
    ],
)
def test_a_planted_word_is_found(text):
    assert gating_words(text) != []


@pytest.mark.parametrize(
    "text",
    [
        SECTION_3C,
        "> " + SECTION_3C.replace("preclearance", "\n> preclearance"),
        "The gateway reads the Authorization header; the authority is outside.",
        "Names are in clear. The Apache-2.0 license. An investigation. A navigator.",
        "The developer consents, withdraws, releases; a request outside the agreement is refused.",
    ],
)
def test_what_is_no_gating_is_let_be(text):
    assert gating_words(text) == []
