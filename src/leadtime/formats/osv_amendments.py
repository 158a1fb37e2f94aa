"""What the OSV schema has gained since the newest release that a package ships (1.7.3, August 2025).

Each amendment is a published change of the schema (ossf/osv-schema, main, July 2026): ids of private databases, more
ecosystems and id prefixes, full-length commit hashes. They go when a package ships a schema that has them.
"""

from __future__ import annotations

import copy

NEW_ECOSYSTEMS = (
    "Azure Linux",
    "CleanStart",
    "Docker Hardened Images",
    "FreeBSD",
    "Julia",
    "opam",
    "Root",
    "TuxCare",
    "VSCode",
)
NEW_PREFIXES = ("AZL", "CLEANSTART", "CLSA", "DHI", "DRUPAL", "EEF", "FreeBSD", "JLSEC", "OSEC", "ROOT")
PRIVATE_IDS = "x_"
COMMIT_PATTERN = "^(0|[a-f0-9]{40}|[a-f0-9]{64})$"
_BOUNDS = ("introduced", "fixed", "last_affected", "limit")

FULL_COMMITS: dict[str, object] = {
    "title": "GIT ranges must use full-length commit hashes",
    "if": {"properties": {"type": {"const": "GIT"}}},
    "then": {
        "properties": {
            "events": {"items": {"properties": {bound: {"pattern": COMMIT_PATTERN} for bound in _BOUNDS}}},
        }
    },
}


def amended(released: dict[str, object]) -> dict[str, object]:
    """Return the released schema with the amendments; the argument is left as it is.

    Raises `KeyError` or `TypeError` if the released schema has another shape than the pinned one.
    """
    schema = copy.deepcopy(released)
    _member(schema, "$defs", "ecosystemWithSuffix")["pattern"] = ecosystem_pattern(
        str(_member(schema, "$defs", "ecosystemWithSuffix")["pattern"])
    )
    _member(schema, "$defs", "prefix")["pattern"] = prefix_pattern(str(_member(schema, "$defs", "prefix")["pattern"]))
    ranges = _member(schema, "properties", "affected", "items", "properties", "ranges", "items")
    rules = ranges["allOf"]
    if not isinstance(rules, list):
        raise TypeError("the rules of a range are a list")
    ranges["allOf"] = [*rules, FULL_COMMITS]
    return schema


def ecosystem_pattern(released: str) -> str:
    """Return the released pattern of ecosystem names with the new ones."""
    return released.replace("^(", f"^({'|'.join(NEW_ECOSYSTEMS)}|", 1)


def prefix_pattern(released: str) -> str:
    """Return the released pattern of id prefixes with the new ones and the one of private databases."""
    return f"^{PRIVATE_IDS}|" + released.replace("^(", f"^({'|'.join(NEW_PREFIXES)}|", 1)


def _member(schema: dict[str, object], *names: str) -> dict[str, object]:
    found: object = schema
    for name in names:
        if not isinstance(found, dict):
            raise TypeError(f"{name} stands in an object")
        found = found[name]
    if not isinstance(found, dict):
        raise TypeError(f"{names[-1]} is an object")
    return found
