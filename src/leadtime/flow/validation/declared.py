"""What a Python source release says that its build needs (PEP 518), read from its archive without running anything."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from leadtime.foundation.errors import LeadtimeError, Malformed, Unavailable
from leadtime.packages.fetch import Fetcher
from leadtime.packages.members import members_of, pieces_of
from leadtime.packages.releases import Release

PROJECT_FILE = "pyproject.toml"
PROJECT_BYTES_MAX = 1 << 20
DECLARED_MAX = 20


def declared_needs(archive: Path, *, where: str) -> tuple[str, ...]:
    """Return ``build-system.requires`` of the release's top folder, without extras; empty where none can be read."""
    try:
        project = _project(archive, where)
    except Malformed:
        # Unpacking it will say so, with the verdict.
        return ()
    return tuple(plain for text in _requires(project) if (plain := _plain(text)) is not None)


def wheels_for(fetcher: Fetcher, asked: tuple[str, ...], declared: tuple[str, ...]) -> tuple[Release, ...]:
    """Return the wheels for what a recipe asks for, and for what its release declares as far as it can be had.

    What the recipe asks for must be there; a declared need that has no pure wheel, or does not fit, is left out: the
    build says soon enough whether it was needed.
    """
    try:
        return fetcher.requirements((*asked, *declared))
    except Unavailable:
        raise
    except LeadtimeError:
        fitting = asked
        wheels = fetcher.requirements(asked)
    for need in declared:
        try:
            wheels = fetcher.requirements((*fitting, need))
        except Unavailable:
            raise
        except LeadtimeError:
            continue
        fitting = (*fitting, need)
    return wheels


def _project(archive: Path, where: str) -> bytes:
    with archive.open("rb") as stream:
        for member, content in members_of(stream, where=where):
            if content is not None and member.name.strip("./").split("/")[1:] == [PROJECT_FILE]:
                found = b""
                for piece in pieces_of(content, where=where):
                    found += piece
                    if len(found) > PROJECT_BYTES_MAX:
                        return b""
                return found
    return b""


def _requires(project: bytes) -> list[str]:
    try:
        system = tomllib.loads(project.decode()).get("build-system")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return []
    requires = system.get("requires") if isinstance(system, dict) else None
    return [text for text in requires[:DECLARED_MAX] if isinstance(text, str)] if isinstance(requires, list) else []


def _plain(text: str) -> str | None:
    """Return a requirement as name and versions, None if it does not apply here or is an address."""
    try:
        found = Requirement(text)
        applies = found.url is None and (found.marker is None or found.marker.evaluate())
    except (InvalidRequirement, ValueError):
        return None
    return f"{found.name}{found.specifier}" if applies else None
