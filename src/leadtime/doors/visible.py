"""Text written by strangers, made safe to look at: characters that hide, reorder or command are spelled out.

Unicode's bidirectional controls can make code read as what it is not (CVE-2021-42574), control characters drive a
terminal, and a lone surrogate cannot be encoded at all. Doors pass every text through here before it is escaped for
the place it lands in.
"""

from __future__ import annotations

import re

_KEPT = "\n\t"
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (but line feed and tab), DEL and C1 controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers, Arabic letter mark
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional controls
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"  # fillers, variation selectors, byte order mark, annotations
    "\ud800-\udfff\U000e0000-\U000e0fff]"  # lone surrogates, tags and supplementary variation selectors
)


def visible(text: str) -> str:
    """Return ``text`` with every unseen or commanding character written as its code point, for example ``⟨U+202E⟩``.

    Line feeds and tabs stay; carriage returns do not, since they overwrite a terminal's line.
    """
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", text)


def visible_line(text: str) -> str:
    """Return `visible` text on one line: line feeds and tabs become spaces, as a log or a table cell needs it."""
    return visible(text).translate(str.maketrans(_KEPT, " " * len(_KEPT)))
