"""Pure decisions of *exposure*: which release is meant, what verdicts add up to, and which move follows what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from leadtime.flow.exposure.records import ExposureMove, ExposureState, PatchBy, Touch
from leadtime.flow.priority import urgency
from leadtime.foundation.errors import Malformed, Refused

ASSET_CHARS_MAX = 200
VERSION_CHARS_MAX = 200

MOVES: Mapping[ExposureState, Mapping[ExposureMove, ExposureState]] = {
    ExposureState.OPEN: {
        ExposureMove.SEE: ExposureState.OPEN,
        ExposureMove.DEPLOY: ExposureState.DEPLOYED,
        ExposureMove.REMOVE: ExposureState.REMOVED,
        ExposureMove.WITHDRAW: ExposureState.WITHDRAWN,
    },
    ExposureState.DEPLOYED: {
        ExposureMove.SEE: ExposureState.OPEN,
        ExposureMove.DEPLOY: ExposureState.DEPLOYED,
        ExposureMove.REMOVE: ExposureState.DEPLOYED,
        ExposureMove.WITHDRAW: ExposureState.WITHDRAWN,
    },
    ExposureState.REMOVED: {
        ExposureMove.SEE: ExposureState.OPEN,
        ExposureMove.REMOVE: ExposureState.REMOVED,
        ExposureMove.DEPLOY: ExposureState.DEPLOYED,
        ExposureMove.WITHDRAW: ExposureState.WITHDRAWN,
    },
    ExposureState.WITHDRAWN: {
        ExposureMove.SEE: ExposureState.OPEN,
        ExposureMove.REMOVE: ExposureState.WITHDRAWN,
        ExposureMove.DEPLOY: ExposureState.WITHDRAWN,
        ExposureMove.WITHDRAW: ExposureState.WITHDRAWN,
    },
}
"""State -> move -> the state it leads to. What is seen on an asset is never out of order, so the table is full."""

REASON_NO_RELEASE = "the advisory is about one release of the distribution, and the inventory does not say which it is"
REASON_OTHER_RELEASE = "the advisory is about another release of the distribution"
REASON_RUN_FIXED = "a version that was run without failing is not newer than this one"
REASON_NOT_RUN = "this version was not run, and nobody entered a range"


def apply(state: ExposureState, move: ExposureMove) -> ExposureState:
    """Return the state that ``move`` leads to; every move can be made from every state."""
    return MOVES[state][move]


def check_asset(name: str) -> str:
    """Return an asset's name without outer spaces; raises `Malformed` if it is empty, too long or not one line."""
    found = name.strip()
    if not found or len(found) > ASSET_CHARS_MAX or not found.isprintable():
        raise Malformed(
            f"an asset's name is one line of 1 to {ASSET_CHARS_MAX} characters", where="asset", next_step="Correct it."
        )
    return found


def check_version(text: str) -> str:
    """Return a version without outer spaces; raises `Malformed` if it is empty, too long or not one line."""
    found = text.strip()
    if not found or len(found) > VERSION_CHARS_MAX or not found.isprintable():
        raise Malformed(
            f"a version is one line of 1 to {VERSION_CHARS_MAX} characters", where="version", next_step="Correct it."
        )
    return found


def release_fits(meant: str, installed: str | None) -> Touch:
    """Tell whether an advisory about release ``meant`` ("": any) is about what is installed.

    ``installed`` is the release that the inventory says, None if it says none. Point releases count as their release
    (``11.6`` is ``11``).
    """
    if not meant or meant == installed:
        return Touch.YES
    if installed is None:
        return Touch.UNKNOWN
    return Touch.YES if installed.startswith(f"{meant}.") else Touch.NO


def combined(verdicts: Iterable[Touch]) -> Touch:
    """Return what several verdicts on one version add up to: one yes is yes, else one unknown is unknown."""
    found = set(verdicts)
    for strongest in (Touch.YES, Touch.UNKNOWN):
        if strongest in found:
            return strongest
    return Touch.NO


def touched_by_runs(*, version_ran: bool, at_or_after_a_fix: bool) -> Touch:
    """Tell whether a version is touched where only runs are known, and no range.

    A version that ran and failed is; one from a version that ran without failing on is not; of every other version
    nothing is known.
    """
    if version_ran:
        return Touch.YES
    return Touch.NO if at_or_after_a_fix else Touch.UNKNOWN


def fix_to_name(named: Sequence[str], above: Sequence[str]) -> str | None:
    """Return the fixed version to tell an operator, of those ``named`` in order and those ``above`` what is installed.

    The nearest above; if none is known to be above, the one named if it is the only one.
    """
    if above:
        return above[0]
    return named[0] if len(named) == 1 else None


def move_after_looking(state: ExposureState, *, here: Touch | None, fix_is_here: bool) -> ExposureMove | None:
    """Return the move that looking at an asset makes on what is known of one version; None: it says nothing new.

    ``here``: whether the flaw is in that version, None if it is no longer installed; ``fix_is_here``: another version
    is installed that the flaw is not in. A version that is still there is not fixed by another beside it; one that is
    not touched any more was taken back by the advisory. UNKNOWN opens what was closed, and leaves what is open alone.
    """
    if here is None:
        return ExposureMove.DEPLOY if fix_is_here else ExposureMove.REMOVE
    if here is Touch.NO:
        return ExposureMove.WITHDRAW
    if here is Touch.UNKNOWN and state is ExposureState.OPEN:
        return None
    return ExposureMove.SEE


def speaks(state: ExposureState, *, looked_at: datetime, changed_at: datetime) -> bool:
    """Tell whether an inventory of ``looked_at`` can say anything about an exposure that changed at ``changed_at``.

    One that is not newer than the moment at which a fix was marked as deployed still shows what was there before.
    """
    return state is not ExposureState.DEPLOYED or changed_at < looked_at


def check_deployed(touch: Touch, version: str) -> None:
    """Return if a version may be marked as the deployed fix; raises `Refused` if it is or may be touched itself."""
    if touch is Touch.NO:
        return
    verb = "is" if touch is Touch.YES else "may be"
    raise Refused(
        f"version {version} {verb} affected itself",
        where="version",
        next_step="Deploy a version that the advisory names as fixed.",
    )


def in_order(lines: Iterable[PatchBy]) -> tuple[PatchBy, ...]:
    """Return the list in the order in which to work: open first, then by urgency, then by asset and component."""
    return tuple(
        sorted(
            lines,
            key=lambda line: (
                line.state is not ExposureState.OPEN,
                line.touch is not Touch.YES,
                urgency(line.decision),
                line.asset,
                line.component,
                line.version,
                line.number,
            ),
        )
    )
