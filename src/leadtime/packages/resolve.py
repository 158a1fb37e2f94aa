"""Turn requirements into the releases that satisfy them: newest first, no backtracking, nothing executed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from leadtime.foundation.errors import Missing, Refused
from leadtime.packages import limits
from leadtime.packages.releases import Release
from leadtime.packages.requirements import Wanted, wheel_requirements

Pick = Callable[[Wanted], Release]
"""Fetches the newest pure wheel that satisfies one wish; raises `Missing` where there is none."""


def resolve(wanted: Iterable[Wanted], pick: Pick, *, python: str) -> tuple[Release, ...]:
    """Return one release per project, what was asked for before what that needs, in the order in which they came up.

    A later wish that an earlier choice does not meet is `Refused`, since choosing again would need search; so are
    more than ``RESOLVED_WHEELS_MAX`` wheels. Pin the project among the requirements to decide it.
    """
    chosen: dict[str, Release] = {}
    waiting = deque(_joined(wanted))
    while waiting:
        wish = waiting.popleft()
        held = chosen.get(wish.project)
        if held is None:
            if len(chosen) >= limits.RESOLVED_WHEELS_MAX:
                raise Refused(
                    f"the requirements need more than {limits.RESOLVED_WHEELS_MAX} wheels",
                    where=wish.project,
                    next_step="Ask for less.",
                )
            chosen[wish.project] = held = pick(wish)
            waiting.extend(wheel_requirements(held.archive, python=python, where=str(held.purl)))
        elif not wish.specifier.contains(held.purl.version or "", prereleases=True):
            raise Refused(
                f"two requirements want different versions of {wish.project}",
                where=str(held.purl),
                next_step=f"Add a requirement for {wish.project} that meets both.",
            )
    return tuple(chosen.values())


def no_wheel(wish: Wanted) -> Missing:
    """Return the error that says that no pure wheel satisfies a wish."""
    return Missing(
        "no wheel without machine code satisfies this requirement",
        where=f"{wish.project}{wish.specifier}",
        next_step="Loosen it, or name another project.",
    )


def _joined(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Join what was asked for of one project, so that ``a>1`` and ``a<3`` are met together."""
    joined: dict[str, Wanted] = {}
    for wish in wanted:
        before = joined.get(wish.project)
        joined[wish.project] = wish if before is None else Wanted(wish.project, before.specifier & wish.specifier)
    return list(joined.values())
