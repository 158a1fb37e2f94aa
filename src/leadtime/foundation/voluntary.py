"""The sentence of law that half A rests on, verbatim, for every page and export of it."""

from __future__ import annotations

SECTION_3C = (
    "Nothing in this section shall be construed to authorize the creation of a mandatory governmental licensing, "
    "preclearance, or permitting requirement for the development, publication, release, or distribution of new AI "
    "models, including frontier models."
)
"""Executive Order 14409, section 3(c)."""

SECTION_3C_SOURCE = "EO 14409, sec. 3(c)"

NOTICE = f"{SECTION_3C} ({SECTION_3C_SOURCE})"
"""What every page, answer and export of half A shows."""
