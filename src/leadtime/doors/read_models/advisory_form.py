"""What the forms of an advisory begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from leadtime.flow.advisory import Advisory
from leadtime.formats.advisories import AffectedSpan, Reference, ReferenceKind

SPANS_SHOWN_MAX = 10
REFERENCES_SHOWN_MAX = 8
"""Ranges and references that a form holds; what an advisory has beyond them stays as it is."""


@dataclass(frozen=True, slots=True)
class FormWords:
    """An advisory's words as they are, or the case's title; ``spans`` and ``references`` end with an empty one."""

    title: str
    summary: str = ""
    remedy: str = ""
    cwes: str = ""
    cve: str = ""
    spans: tuple[AffectedSpan, ...] = (AffectedSpan("", None, None, ""),)
    references: tuple[Reference, ...] = (Reference(ReferenceKind.WEB, "", ""),)
    kinds: tuple[str, ...] = tuple(each.value for each in ReferenceKind)


def form_words(held: Advisory | None, title: str, offered: tuple[AffectedSpan, ...] = ()) -> FormWords:
    """Return what the form of a case's advisory begins with: its ``title``, and ``offered``: ranges run here."""
    blank = FormWords(title)
    if held is None:
        return replace(blank, spans=(*offered, *blank.spans)[:SPANS_SHOWN_MAX])
    said = held.document
    spans = tuple(span for package in said.packages for span in package.spans)
    return FormWords(
        title=said.title,
        summary=said.summary,
        remedy=said.remedy,
        cwes=", ".join(said.cwes),
        cve=said.cve or "",
        spans=(*spans, *blank.spans)[:SPANS_SHOWN_MAX],
        references=(*said.references, *blank.references)[:REFERENCES_SHOWN_MAX],
    )
