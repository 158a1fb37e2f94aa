"""Table of *validation*: state, attempt and verdict in clear; what was seen, sealed under the report's key."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from leadtime.foundation.database.schema import EVERYTHING, SYSTEM_ONLY, id_column, instant, related, sealed, table

RESULT = "validations.result"
"""Name that the sealed column is bound to."""

SURVEY = "validations.survey"
"""Name that the other sealed column is bound to."""

_WAITS = "state = 'queued' and called_at is null"

validations = table(
    "validations",
    id_column(),
    Column("report", Uuid, nullable=False, unique=True),
    Column("organisation", Uuid, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("verdict", Text, nullable=True),
    Column("signature", LargeBinary, nullable=True, index=True),
    sealed("result", nullable=True),
    Column("urgent", Boolean, nullable=False),
    Column("named", ARRAY(LargeBinary), nullable=False),
    instant("queued_at"),
    instant("called_at", nullable=True),
    instant("begun_at", nullable=True),
    instant("decided_at", nullable=True),
    sealed("survey", nullable=True),
    instant("surveyed_at", nullable=True),
    Column("claimed", LargeBinary, nullable=True, index=True),
    Index("ix_validations_turn", "organisation", "queued_at", "id", postgresql_where=text(_WAITS)),
    Index("ix_validations_urgent", "organisation", postgresql_where=text(f"{_WAITS} and urgent")),
    visible=related("report"),
)
"""One a report. ``attempt`` is raised by each taking; ``signature`` is a blind index; ``result`` is canonical JSON.

``called_at``: when its turn came; ``begun_at``: when its last attempt began, none once that was given back. ``urgent``:
it is about what is exploited now; ``named``: blind indexes of the CVEs that it names. ``survey``: what was found out of
other releases since, as canonical JSON, and when. ``claimed``: of a report that carries no reproducer, and of no
other, a blind index of the place that it claims; it was decided when it came, has no result, and is never run."""

validation_shares = table(
    "validation_shares",
    Column("organisation", Uuid, primary_key=True),
    Column("served_seconds", Double, nullable=False),
    Column("decided", Integer, nullable=False),
    Column("refuted", Integer, nullable=False),
    visible=SYSTEM_ONLY,
)
"""Each finder's virtual time (`turns.rules`), and how many of its reports were decided, and refuted."""

validation_turns = table(
    "validation_turns",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("virtual_seconds", Double, nullable=False),
    Column("ordinary", Integer, nullable=False),
    visible=SYSTEM_ONLY,
)
"""Where the farm stands (`turns.rules.Now`); one row."""

patch_judgements = table(
    "patch_judgements",
    id_column("report"),
    Column("patch", LargeBinary, primary_key=True),
    instant("judged_at"),
    sealed("judgement"),
    visible=EVERYTHING,
)
"""How far a patch, named by a blind index of its digest, climbed against a report; sealed under the report's key.

A report's finder sees none of it: the patch may be of another flaw, and its ladder tells what it changes."""

EXAMINED = "examinations.answers"
"""Name that the sealed answers are bound to."""

examinations = table(
    "examinations",
    Column("report", Uuid, primary_key=True),
    Column("person", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    instant("at"),
    sealed("answers"),
    visible=EVERYTHING,
)
"""What each person answered to a checklist for a report that no machine can prove, sealed under the report's key."""
