"""Every table of the product in one place: each stage's and this ring's own.

Run as a module it prints the statements that make them, which a first migration freezes.
"""

from __future__ import annotations

import importlib
import sys

from sqlalchemy import MetaData

from leadtime.flow import STAGES
from leadtime.foundation.database import schema
from leadtime.foundation.database.ddl import schema_statements
from leadtime.ledger import tables as ledger_tables  # noqa: F401  # it declares the tables of that ring
from leadtime.workflows import once, tables  # noqa: F401  # they declare this ring's own
from leadtime.workflows.farm import tables as farm_tables  # noqa: F401  # so does the farm


def whole_schema() -> MetaData:
    """Return the metadata that holds every table."""
    for stage in STAGES:
        importlib.import_module(f"leadtime.flow.{stage}.tables")
    return schema.metadata


def main() -> None:
    """Print the whole schema as SQL."""
    sys.stdout.write("".join(f"{statement};\n\n" for statement in schema_statements(whole_schema())))


if __name__ == "__main__":
    main()
