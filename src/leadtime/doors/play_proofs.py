"""Play what a proof goes on to: which releases are affected, and how far the maintainer's patches climb."""

from __future__ import annotations

import difflib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from leadtime.doors.play import Delivered, Player
from leadtime.doors.story import ReleasedPatch, WrittenPatch
from leadtime.flow import coordination, validation
from leadtime.flow.coordination import PatchId
from leadtime.flow.validation import JudgedPatch, Survey
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.packages.fetch import Fetcher
from leadtime.packages.purls import parse_purl
from leadtime.packages.unpack import UnpackedTree, unpack
from leadtime.workflows.judging import hand_in_patch

WAIT_SECONDS_MAX = 900
"""What is not found out by then is told as not finished; the story goes on."""

POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Proposed:
    """A patch that a maintainer handed in, and to which case."""

    delivered: Delivered
    title: str
    patch: PatchId


@dataclass(frozen=True, slots=True)
class Climbed:
    """How far a patch climbs against the first report that it was judged with; None: not judged yet."""

    proposed: Proposed
    found: JudgedPatch | None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What is known of the releases of a case's package; None: not yet."""

    delivered: Delivered
    found: Survey | None


@dataclass(frozen=True, slots=True)
class Further:
    """What has been found out so far beyond the proofs."""

    surveyed: tuple[Surveyed, ...]
    climbed: tuple[Climbed, ...]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is waited for any more."""
        surveyed = all(each.found is not None for each in self.surveyed)
        return surveyed and all(each.found is not None for each in self.climbed)


@dataclass(slots=True)
class ProofsPlayer:
    """What follows the proofs of a story that is being played; ``fetcher`` fetches the releases that are compared."""

    player: Player
    fetcher: Fetcher
    proposed: list[Proposed] = field(default_factory=list)

    def hand_in(self) -> list[Proposed]:
        """Let every maintainer hand in its patches by the link of its delivery."""
        for delivered in self.player.delivered:
            for patch in delivered.handling.patches:
                content = self.diff_of(patch)
                with self.player.database.transaction(delivered.entry.viewer) as tx:
                    handed = hand_in_patch(tx, delivered.case, content)
                self.proposed.append(Proposed(delivered, patch.title, handed.patch.id))
        return self.proposed

    def diff_of(self, patch: WrittenPatch | ReleasedPatch) -> bytes:
        """Return the unified diff of one of the story's patches; raises as `Fetcher.release` and `unpack`."""
        if isinstance(patch, WrittenPatch):
            return self.player.story.path(patch.file).read_bytes()
        with tempfile.TemporaryDirectory() as place:
            before = self._unpacked(patch.before, Path(place, "before"))
            after = self._unpacked(patch.after, Path(place, "after"))
            return b"".join(line for name in patch.files for line in _changes(name, before, after))

    def _unpacked(self, purl: str, place: Path) -> UnpackedTree:
        release = self.fetcher.release(parse_purl(purl, where="patches"))
        return unpack(release.archive, place, where=release.filename)

    def await_all(self, tell: Callable[[Further], None]) -> Further:
        """Return what is found out, once all of it is or `WAIT_SECONDS_MAX` are over; ``tell`` hears how far it is."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            with self.player.database.transaction(SYSTEM) as tx:
                further = self._look(tx)
            tell(further)
            if further.is_whole or time.monotonic() > end:
                return further
            time.sleep(POLL_SECONDS)

    def _look(self, tx: Transaction) -> Further:
        asked = self.player.delivered if self.player.story.plot.releases_tried else []
        return Further(
            tuple(Surveyed(each, _survey_of(tx, each)) for each in asked),
            tuple(Climbed(each, _judged(tx, each.patch)) for each in self.proposed),
        )


def _survey_of(tx: Transaction, delivered: Delivered) -> Survey | None:
    for report in coordination.read_case(tx, delivered.case).reports:
        with suppress(Missing):
            kept = validation.read_validation(tx, report)
            if kept.survey is not None:
                return kept.survey.found
    return None


def _judged(tx: Transaction, patch: PatchId) -> JudgedPatch | None:
    judgements = coordination.read_patch(tx, patch).judgements
    return judgements[0].found if judgements else None


def _changes(name: str, before: UnpackedTree, after: UnpackedTree) -> Iterator[bytes]:
    """Yield the unified diff of one file that both releases carry; raises `Missing` if one does not."""
    if name not in before.files or name not in after.files:
        raise Missing("a release does not carry this file", where=name, next_step="Name a file that both carry.")
    old, new = ((tree.root / name).read_bytes().splitlines(keepends=True) for tree in (before, after))
    yield from difflib.diff_bytes(difflib.unified_diff, old, new, f"a/{name}".encode(), f"b/{name}".encode())
