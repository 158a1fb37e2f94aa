"""Records become pages: every text is made visible and escaped on its way out, without the template asking for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from leadtime.doors.read_models.shell import Shell
from leadtime.doors.visible import visible
from leadtime.doors.web import phrases

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
VENDOR = Path(__file__).parent / "vendor"

_FILTERS = (
    phrases.instant,
    phrases.iso,
    phrases.day,
    phrases.zoned,
    phrases.ago,
    phrases.until,
    phrases.percent,
    phrases.words,
    phrases.slug,
    phrases.sentence,
    phrases.counted,
)


def show(value: object) -> object:
    """Return what a template prints for ``value``: plain text made visible (and escaped after that), else itself."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def templates() -> Environment:
    """Return the pages' templates: escaped everywhere, and a name that is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({each.__name__: each for each in _FILTERS})
    return environment


def render(template: str, shell: Shell, values: Mapping[str, object]) -> str:
    """Return the page of a template file, a frame and the template's own records."""
    return templates().get_template(template).render(shell=shell, **values)
