"""The answer to "why?" (I9): a decision, the rule applied, and each input with its source and age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """One input of a decision: what it is, its value as text, who said so, and since when (None: not dated)."""

    name: str
    value: str
    source: str
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something was decided: the outcome, the rule or row (with its standard), and the facts it was read from."""

    decision: str
    rule: str
    facts: tuple[Fact, ...]

    def as_json(self) -> dict[str, object]:
        """Return the explanation as JSON-ready values."""
        return {
            "decision": self.decision,
            "rule": self.rule,
            "facts": [
                {"name": f.name, "value": f.value, "source": f.source, "as_of": f.as_of and f.as_of.isoformat()}
                for f in self.facts
            ],
        }

    @classmethod
    def from_json(cls, value: dict[str, object]) -> Explanation:
        """Return the explanation that `as_json` wrote."""
        facts = value["facts"]
        if not isinstance(facts, list):
            raise TypeError("facts must be a list")
        return cls(
            decision=str(value["decision"]),
            rule=str(value["rule"]),
            facts=tuple(
                Fact(f["name"], f["value"], f["source"], datetime.fromisoformat(f["as_of"]) if f["as_of"] else None)
                for f in facts
            ),
        )
