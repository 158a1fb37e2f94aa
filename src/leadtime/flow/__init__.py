"""The product, left to right, in the order in which a flaw lives; a stage imports only stages to its left."""

STAGES = (
    "parties",
    "window",
    "gateway",
    "assessment",
    "intake",
    "validation",
    "merging",
    "priority",
    "coordination",
    "advisory",
    "exposure",
)
"""The order that import-linter enforces; each is a package here."""
