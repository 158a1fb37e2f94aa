"""Read the form of an advisory: a person's words, ranges with their sources, references."""

from __future__ import annotations

from collections.abc import Iterator

from leadtime.doors.read_models.advisory_form import REFERENCES_SHOWN_MAX, SPANS_SHOWN_MAX
from leadtime.doors.web.asking import PageAsk
from leadtime.flow.advisory import Advisory
from leadtime.formats.advisories import AffectedSpan, Reference, ReferenceKind
from leadtime.foundation.errors import Malformed
from leadtime.workflows.drafting import Words, words_of

WITH_ROWS = "rows"
"""A field that the form has if it holds ranges and references; a form without it leaves them as they are."""


def read_words(ask: PageAsk, held: Advisory | None) -> Words:
    """Return the form's words; what it has no rows for stays as ``held`` has it. Raises `Malformed` naming the row."""
    kept = words_of(held.document) if held else None
    spans, references = (kept.spans, kept.references) if kept else ((), ())
    if WITH_ROWS in ask.form:
        spans = (*_spans(ask), *spans[SPANS_SHOWN_MAX:])
        references = (*_references(ask), *references[REFERENCES_SHOWN_MAX:])
    return Words(
        title=ask.field("title"),
        summary=ask.field("summary"),
        remedy=ask.form.get("remedy", "").strip(),
        cve=ask.form.get("cve", "").strip() or None,
        cwes=tuple(ask.form.get("cwes", "").replace(",", " ").split()),
        spans=spans,
        references=references,
    )


def _spans(ask: PageAsk) -> Iterator[AffectedSpan]:
    """Yield the rows that say anything: an end or a beginning, and always where the person has it from."""
    for number in range(1, SPANS_SHOWN_MAX + 1):
        introduced, fixed, last, source = (
            ask.form.get(f"{name} {number}", "").strip() for name in ("introduced", "fixed", "last", "source")
        )
        if not any((introduced, fixed, last, source)):
            continue
        if not source:
            raise Malformed(
                "a range that was not run needs its source", where=f"range {number}", next_step="Say who says so."
            )
        yield AffectedSpan(introduced or "0", fixed or None, last or None, source)


def _references(ask: PageAsk) -> Iterator[Reference]:
    for number in range(1, REFERENCES_SHOWN_MAX + 1):
        url, summary = (ask.form.get(f"{name} {number}", "").strip() for name in ("url", "says"))
        kind = ask.form.get(f"kind {number}", ReferenceKind.WEB.value)
        if kind not in set(ReferenceKind):
            raise Malformed("this is no kind of reference", where=f"reference {number}", next_step="Choose one.")
        if url or summary:
            yield Reference(ReferenceKind(kind), url, summary)
