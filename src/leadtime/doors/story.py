"""A story to play: who takes part, what they hand in and do. Read from a folder's ``story.json``, never executed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leadtime.flow.priority import Answer, SourceKind
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Malformed
from leadtime.foundation.settings import RANGE_RELEASES_MAX
from leadtime.foundation.strict_json import JsonBounds, read_json

SCHEMA = "leadtime.story/1"
BOUNDS = JsonBounds(bytes_max=1 << 20, depth_max=16, values_max=10_000)


class Part(BaseModel):
    """A part of a story; unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Actor(Part):
    """An organisation of the story and its one person."""

    name: str
    role: Role
    person: str


class Source(Part):
    """A file of facts that the coordinator loads."""

    kind: SourceKind
    file: str


class Listing(Part):
    """An operator's inventory of one asset."""

    by: str
    asset: str
    exposed: Answer
    file: str


class Sent(Part):
    """A report that a finder hands in."""

    by: str
    file: str


class EnteredRange(Part):
    """An affected range that the coordinator enters, and where it is from."""

    introduced: str
    fixed: str
    source: str


class WrittenPatch(Part):
    """A unified diff that the maintainer hands in; ``title`` says what it does, and nothing how far it climbs."""

    title: str
    file: str


class ReleasedPatch(Part):
    """What changed in some files of a package from one release to another, handed in as the maintainer's patch.

    ``before`` and ``after`` are purls; the diff is made while the story plays, of what the index holds.
    """

    title: str
    before: str
    after: str
    files: tuple[str, ...]


class Handling(Part):
    """What is done about the case of one component; ``patches`` are handed in by its maintainer."""

    component: str
    maintainer: str
    embargo_days: int
    fixed_version: str
    cve: str | None = None
    cwe: str | None = None
    title: str
    affected_range: EnteredRange | None = None
    patches: tuple[WrittenPatch | ReleasedPatch, ...] = ()
    summary: str


class Deployed(Part):
    """What an operator puts in place in the end."""

    by: str
    component: str
    version: str


class Ending(StrEnum):
    """How an offered model stands when the story ends."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"


class Offer(Part):
    """A model that a developer offers to an agency's evaluator, what is asked of it, and how it ends."""

    by: str
    to: str
    name: str
    variants: tuple[str, ...]
    instrument: str
    purpose: str
    question: str
    requests_max: int
    ends: Ending


class Plot(Part):
    """A whole ``leadtime.story/1``; ``releases_tried``: how many releases each new flaw is run over, 0 for none."""

    title: str
    releases_tried: int = Field(default=0, ge=0, le=RANGE_RELEASES_MAX)
    organisations: dict[str, Actor]
    offers: tuple[Offer, ...] = ()
    sources: tuple[Source, ...] = ()
    inventories: tuple[Listing, ...] = ()
    reports: tuple[Sent, ...]
    cases: tuple[Handling, ...] = ()
    deployed: tuple[Deployed, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A story and the folder that its file names start from."""

    folder: Path
    plot: Plot

    def path(self, name: str) -> Path:
        """Return where a file of the story lies; raises `Malformed` if that is outside its folder."""
        found = (self.folder / name).resolve()
        if not found.is_relative_to(self.folder.resolve()) or not found.is_file():
            raise Malformed("the story names no such file", where=name, next_step="Put it into the story's folder.")
        return found


def read_story(folder: Path) -> Story:
    """Return the story in ``folder``; raises `Malformed` naming the member that is wrong."""
    path = folder / "story.json"
    if not path.is_file():
        raise Malformed("there is no story.json", where=str(folder), next_step="Name a story's folder.")
    document = read_json(path.read_bytes(), BOUNDS)
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise Malformed(f"the schema must be {SCHEMA}", where=f"{path}: $.schema", next_step="Correct it.")
    try:
        plot = Plot.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = "$." + ".".join(str(part) for part in first["loc"])
        raise Malformed(str(first["msg"]), where=f"{path}: {where}", next_step="Correct it.") from None
    named = {listing.by for listing in plot.inventories} | {sent.by for sent in plot.reports}
    named |= {who for offer in plot.offers for who in (offer.by, offer.to)}
    named |= {done.by for done in plot.deployed} | {handling.maintainer for handling in plot.cases}
    if unknown := sorted(named - plot.organisations.keys()):
        raise Malformed(f"nobody is called {unknown[0]}", where=str(path), next_step="Add the organisation.")
    return Story(folder, plot)
