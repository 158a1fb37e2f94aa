"""Every table of the product in one place: imports each stage that declares some and gives the shared metadata."""

from __future__ import annotations

import importlib
import importlib.util

from sqlalchemy import MetaData

from leadtime.flow import STAGES
from leadtime.foundation.database import schema
from leadtime.workflows import tables  # noqa: F401  # declares this ring's own


def whole_schema() -> MetaData:
    """Return the metadata that holds the tables of every stage, and those beside them."""
    importlib.import_module("leadtime.workflows.once")
    for stage in STAGES:
        name = f"leadtime.flow.{stage}"
        if importlib.util.find_spec(name) and importlib.util.find_spec(f"{name}.tables"):
            importlib.import_module(f"{name}.tables")
    return schema.metadata
