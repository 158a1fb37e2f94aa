"""How instants, spans and rates read on a page; each is a filter of the templates."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def instant(at: datetime) -> str:
    """Return an instant in UTC as a person reads it: ``23 Nov 2026, 09:20 UTC``."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def iso(at: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, for machines."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def day(at: date | datetime) -> str:
    """Return a date as a person reads it: ``23 Nov 2026``; an instant is read in UTC."""
    if isinstance(at, datetime):
        at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"


def zoned(at: datetime, zone: str) -> str:
    """Return an instant on the clock of an IANA zone, naming the zone; UTC if the zone is unknown here."""
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return instant(at)
    return f"{local.day} {local:%b %Y, %H:%M} {zone}"


def span(length: timedelta) -> str:
    """Return a length of time in its one or two largest units: ``3 days 4 hours``, ``12 minutes``, ``seconds``."""
    left = int(abs(length.total_seconds()))
    parts: list[str] = []
    for seconds, name in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {name}" + ("s" if count > 1 else ""))
        elif parts:
            break
    return " ".join(parts[:2]) or "seconds"


def ago(at: datetime, now: datetime) -> str:
    """Return how long something has waited."""
    return span(now - at)


def until(at: datetime, now: datetime) -> str:
    """Return how far off an instant is: ``in 3 days`` or ``3 days ago``."""
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def percent(rate: float) -> str:
    """Return a rate between 0 and 1 as whole percent, never rounded up to certainty: ``57 %``."""
    return f"{int(rate * 100 + 1e-9)} %"


def words(name: str) -> str:
    """Return a state's name as words: ``fix_named`` reads ``fix named``."""
    return name.replace("_", " ")


def slug(name: str) -> str:
    """Return a name as an anchor of letters, digits and hyphens."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def sentence(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 case``, ``2 cases``."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
