"""A guard at every note: text that bears a classification or CUI marking is not for this installation.

It catches what people paste by mistake, not what somebody hides on purpose. "Secret" in prose is no marking: a banner
stands alone on its line or carries controls behind two slashes, and a portion mark begins a portion.
Markings as in ISOO's marking booklet for 32 CFR 2001 (banner, portions, authority block) and 32 CFR 2002 (CUI).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from enum import StrEnum

from leadtime.foundation.errors import Malformed, Refused

TEXT_CHARS_MAX = 200_000


class Marking(StrEnum):
    """What a marking says of a text."""

    CLASSIFIED = "classified"
    CUI = "cui"


_UNSEEN = re.compile("[\u00ad\u034f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_DECORATION = "*_#=-|>~[](){} \t\r"
_CONTROLS = (
    "NOFORN|NF|ORCON(?:-USGOV)?|OC|REL|RELIDO|IMCON|IMC|PROPIN|PR|SI|TK|HCS(?:-[A-Z])?|KDK|SCI|SAR|SAP|FGI|RD|FRD|CNWDI"
    "|DSEN|FISA|COMINT|LIMDIS|EXDIS|NODIS|WNINTEL|EYES ONLY|ATOMAL|BOHEMIA"
)
_LEVEL = "TOP SECRET|SECRET|CONFIDENTIAL"
_BEGINS = r"(?:^|(?<=[.!?:;] ))[ \t>*#-]*(?:[0-9a-zA-Z]{1,3}[.)][ \t]*)?"

_CLASSIFIED = (
    re.compile(rf"(?<![\w/])(?:{_LEVEL})//[A-Z]{{2}}"),
    re.compile(rf"(?<![\w/])(?:{_LEVEL}|TS|S|C)[ \t]?//[ \t]?(?:{_CONTROLS})(?!\w)", re.IGNORECASE),
    re.compile(r"\((?:TS|S|C)//[A-Z]{2}"),
    re.compile(rf"\((?:TS|S|C)[ \t]?/[ \t]?(?:{_CONTROLS})(?!\w)"),
    re.compile(rf"{_BEGINS}\((?:TS|S)\)(?=[ \t])", re.MULTILINE),
    re.compile(rf"{_BEGINS}\(C\)(?=[ \t])(?![ \t]*(?:[0-9]{{4}}|[Cc]opyright|COPYRIGHT|by\b))", re.MULTILINE),
    re.compile(r"^[ \t>*#-]*(?:classified by|declassify on)[ \t]*:", re.IGNORECASE | re.MULTILINE),
)
_CUI = (
    re.compile(r"(?<![\w/])CUI[ \t]?//[ \t]?[A-Z]{2}"),
    re.compile(r"(?<![\w/])(?:UNCLASSIFIED|U)[ \t]?//[ \t]?(?:FOUO|SBU|LES|CUI|LIMDIS)(?!\w)", re.IGNORECASE),
    re.compile(rf"{_BEGINS}\(CUI\)(?=[ \t])", re.MULTILINE),
    re.compile(r"^[ \t>*#-]*CUI categor(?:y|ies)[ \t]*:", re.IGNORECASE | re.MULTILINE),
)
_CLASSIFIED_LINES = frozenset(
    {
        "TOP SECRET",
        "SECRET",
        "CONFIDENTIAL",
        "COSMIC TOP SECRET",
        "NATO SECRET",
        "NATO CONFIDENTIAL",
        "NATO RESTRICTED",
        "RESTRICTED DATA",
        "FORMERLY RESTRICTED DATA",
    }
)
_CUI_LINES = frozenset({"CUI", "CONTROLLED", "CONTROLLED UNCLASSIFIED INFORMATION", "FOUO", "FOR OFFICIAL USE ONLY"})


def find_marking(text: str) -> Marking | None:
    """Return what a text is marked as, the graver of two; None: it bears no marking.

    Raises `Malformed` for more than `TEXT_CHARS_MAX` characters, which are not looked at.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise Malformed(f"a text has at most {TEXT_CHARS_MAX} characters", where="text", next_step="Shorten it.")
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    alone = {" ".join(line.strip(_DECORATION).split()) for line in seen.splitlines()}
    if alone & _CLASSIFIED_LINES or any(mark.search(seen) for mark in _CLASSIFIED):
        return Marking.CLASSIFIED
    if alone & _CUI_LINES or any(mark.search(seen) for mark in _CUI):
        return Marking.CUI
    return None


def check_unmarked(text: str, *, where: str, held: Collection[Marking]) -> str:
    """Return a text that this installation may hold, else raise `Refused` saying why.

    ``held``: the markings that the installation is configured for (``LEADTIME_MARKED_TEXT``); by default none.
    """
    marking = find_marking(text)
    if marking is None or marking in held:
        return text
    named = "a classification marking" if marking is Marking.CLASSIFIED else "a marking of controlled information (CUI)"
    raise Refused(
        f"this text bears {named}, and this installation is not configured to hold such text",
        where=where,
        next_step="Leave only unclassified facts here, and send the rest by a system that is meant for it.",
    )
