"""Tables of *exposure*: which packages an operator runs arms an attacker, so all of it is sealed or blind."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, SmallInteger, Text, UniqueConstraint, Uuid

from leadtime.foundation.database.schema import SYSTEM_ONLY, id_column, instant, sealed, table

ONLY_OWN = f"{SYSTEM_ONLY} or organisation = leadtime_organisation()"
"""Sees a row: the operator itself and Leadtime's workers; not even coordinators."""

inventories = table(
    "inventories",
    id_column(),
    Column("organisation", Uuid, nullable=False, index=True),
    Column("asset", LargeBinary, nullable=False),
    Column("exposed", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("components", Integer, nullable=False),
    instant("kept_at"),
    instant("superseded_at", nullable=True),
    sealed("about"),
    visible=ONLY_OWN,
)
"""``asset`` is the blind index of the asset's name; ``about`` holds the name and what cannot be matched."""

inventory_packages = table(
    "inventory_packages",
    Column("inventory", Uuid, ForeignKey("inventories.id"), primary_key=True),
    Column("package", LargeBinary, primary_key=True, index=True),
    Column("organisation", Uuid, nullable=False),
    visible=ONLY_OWN,
)
"""One row for each distinct package, by blind index: how a published advisory finds the inventories that hold it."""

inventory_shelves = table(
    "inventory_shelves",
    Column("inventory", Uuid, ForeignKey("inventories.id"), primary_key=True),
    Column("shelf", SmallInteger, primary_key=True, autoincrement=False),
    Column("organisation", Uuid, nullable=False),
    sealed("contents"),
    visible=ONLY_OWN,
)
"""The packages with their versions, sealed together by the first byte of their blind index: at most 256 pieces."""

exposures = table(
    "exposures",
    id_column(),
    Column("organisation", Uuid, nullable=False),
    Column("asset", LargeBinary, nullable=False),
    Column("package", LargeBinary, nullable=False),
    Column("version", LargeBinary, nullable=False),
    Column("advisory", Uuid, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("touch", Text, nullable=False),
    instant("enumerated_at"),
    instant("changed_at"),
    sealed("detail"),
    UniqueConstraint("organisation", "asset", "package", "advisory", "version"),
    visible=ONLY_OWN,
)
"""One version of one component on one asset that one advisory touches; ``detail`` holds the names and versions."""
