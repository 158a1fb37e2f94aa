"""Runners, and the runs that were given to them: all that a runner's database role sees is its own rows of these."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, Text, Uuid

from leadtime.foundation.database.schema import EVERYTHING, Lent, id_column, instant, table

ANSWER_BYTES_MAX = 32 << 20

MINE = "role = current_user"
"""A runner may say of itself what it likes, but not who it signed in as."""

runners = table(
    "runners",
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False, unique=True),
    Column("sealing_key", LargeBinary, nullable=False),
    Column("signing_key", LargeBinary, nullable=False),
    instant("added_at"),
    Column("slots", Integer, nullable=False),
    instant("heard_at", nullable=True),
    instant("unopened_at", nullable=True),
    visible=EVERYTHING,
    lent=Lent(MINE, read=("role", "slots", "heard_at", "unopened_at"), written=("slots", "heard_at", "unopened_at")),
)
"""``slots``: how many runs at once it has asked for; ``heard_at``: by the database's clock.

``unopened_at``: when it could not open what was sealed to it, if it has opened nothing since.
"""

runs = table(
    "runs",
    id_column(),
    Column("entity", Uuid, nullable=False, unique=True),
    Column("attempt", Integer, nullable=False),
    Column("role", Text, nullable=False, index=True),
    Column("message", LargeBinary, nullable=False),
    instant("given_at"),
    instant("taken_at", nullable=True),
    Column("takings", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    instant("answered_at", nullable=True),
    CheckConstraint(f"octet_length(answer) <= {ANSWER_BYTES_MAX}", name="answer"),
    visible=EVERYTHING,
    lent=Lent(
        MINE,
        read=("id", "role", "message", "given_at", "taken_at", "takings", "answered_at"),
        written=("taken_at", "takings", "answer", "answered_at"),
    ),
)
"""One for each thing that a runner is to run for us.

``entity`` is what it is asked for, ``message`` is sealed to that runner, ``answer`` to the installation; ``takings``
counts, over all runners, how often it was begun: a run that kills runners shows.
"""
