"""The first schema: every stage's tables with their policies and grants, and the job library's."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from leadtime.workflows.engine import job_schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind().connection.driver_connection
    connection.execute(Path(__file__).with_suffix(".sql").read_text())
    for statement in job_schema():
        connection.execute(statement)
