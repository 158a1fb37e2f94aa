"""Tables of *merging*: ids, credits and times in clear; what is flawed, and why it is one flaw, sealed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, Text, Uuid

from leadtime.foundation.database.schema import EVERYTHING, id_column, instant, own, related, sealed, table

SUMMARY, EVIDENCE, WHY = "vulnerabilities.summary", "merged_reports.evidence", "merged_reports.why"
"""Names that sealed columns are bound to."""

vulnerabilities = table(
    "vulnerabilities",
    id_column(),
    Column("component", LargeBinary, nullable=False, index=True),
    Column("absorbed_into", Uuid, nullable=True),
    instant("opened_at"),
    sealed("summary"),
    visible=related("id"),
)
"""``component`` is a blind index; ``summary`` is sealed under the vulnerability's own key."""

merged_reports = table(
    "merged_reports",
    id_column("report"),
    Column("vulnerability", Uuid, ForeignKey("vulnerabilities.id"), nullable=False, index=True),
    Column("organisation", Uuid, nullable=False),
    Column("place", LargeBinary, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
    instant("merged_at"),
    sealed("evidence"),
    sealed("why"),
    visible=related("vulnerability"),
)
"""One row a report, for ever: a credit. ``place`` and ``content`` are blind indexes of where linked evidence meets and
of equal evidence; ``evidence`` is sealed under the report's key, ``why`` under the vulnerability's."""

kept_apart = table(
    "kept_apart",
    id_column("first"),
    Column("second", Uuid, primary_key=True),
    Column("person", Uuid, nullable=True),
    instant("at"),
    Column("split_from", Uuid, nullable=False),
    Column("split_off", Uuid, nullable=False),
    visible=EVERYTHING,
)
"""Pairs of reports that a person set apart; outlives every later merge."""

patch_outcomes = table(
    "patch_outcomes",
    id_column("report"),
    Column("patch", Text, primary_key=True),
    Column("silenced", Boolean, nullable=False),
    instant("at"),
    visible=EVERYTHING,
)
"""Whether a patch, named by its digest, silenced a report's reproducer when it was last run with it."""

claims = table(
    "claims",
    id_column("report"),
    Column("mark", LargeBinary, primary_key=True, index=True),
    Column("kind", Text, nullable=False),
    visible=EVERYTHING,
)
"""What merged reports claim: ``mark`` is a blind index of an input, a place or a band of words in one component."""

HELD_MARKS = "held_marks.marks"
"""Name that the sealed fingerprints are bound to."""

held_marks = table(
    "held_marks",
    id_column("report"),
    Column("organisation", Uuid, nullable=False, index=True),
    instant("noted_at"),
    sealed("marks"),
    visible=EVERYTHING,
)
"""Fingerprints of where each merged report's flaw lies: digests, one after another, sealed under a key of their own."""

held_asks = table(
    "held_asks",
    id_column(),
    Column("organisation", Uuid, nullable=False, index=True),
    Column("person", Uuid, nullable=False),
    instant("at"),
    Column("fingerprints", Integer, nullable=False),
    visible=own(),
)
"""Who asked what is held, and for how many fingerprints, the filling included: the day's budget, and the audit."""

OUTCOME = "root_outcomes.words"
"""Name that an outcome's sealed words are bound to."""

root_outcomes = table(
    "root_outcomes",
    Column("vulnerability", Uuid, ForeignKey("vulnerabilities.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("organisation", Uuid, nullable=True),
    Column("person", Uuid, nullable=True),
    instant("at"),
    sealed("words"),
    visible=related("vulnerability"),
)
"""What was decided of a root cause, numbered from 1, the last one holds; ``words`` are its severity and reason, sealed
under the vulnerability's key. No person: Leadtime itself."""

SEVERITY = "severities.words"
"""Name that a severity's sealed words are bound to."""

severities = table(
    "severities",
    Column("vulnerability", Uuid, ForeignKey("vulnerabilities.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("said_as", Text, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("person", Uuid, nullable=True),
    instant("at"),
    sealed("words"),
    visible=related("vulnerability"),
)
"""How severe a root cause is by verifiers' and maintainers' words, numbered from 1. A finder's is in its report."""
