"""The examples in the reference are what the code reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from leadtime.flow.intake import parse_report
from leadtime.flow.validation.recipe import parse_recipe

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def example(page: str) -> object:
    """The first JSON block of a page."""
    found = re.search(r"```json\n(.*?)```", (REFERENCE / page).read_text(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_report_of_the_reference_is_read_and_every_field_of_it_means_something() -> None:
    sent = example("report.md")
    body = parse_report(json.dumps(sent).encode())
    assert body.reproducer is not None
    parse_recipe(body.reproducer.recipe)
    left_out = [name for name in body.__slots__ if not getattr(body, name)]
    assert left_out == []
    assert body.reference == "EXAMPLE-2026-17"


def test_every_field_of_the_report_is_explained() -> None:
    text = (REFERENCE / "report.md").read_text().partition("| field |")[2]
    assert [name for name in example("report.md") if f"`{name}`" not in text] == []


def test_the_recipe_of_the_reference_is_read() -> None:
    parse_recipe(json.dumps(example("recipe.md")).encode())
