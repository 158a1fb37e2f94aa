"""Reports for tests, as their finders would send them."""

from __future__ import annotations

import base64
import json
from typing import Any


def a_reproducer(**changes: object) -> dict[str, Any]:
    """Return a small reproducer that is in order, with ``changes``."""
    return {
        "recipe": {"schema": "leadtime.recipe/1", "files": ["run.py"], "run": "{python} run.py {input}"},
        "files": {"run.py": base64.b64encode(b"print(1)").decode()},
        "input": {"name": "a.json", "base64": base64.b64encode(b"[1]").decode()},
        **changes,
    }


def a_report(**changes: object) -> dict[str, Any]:
    """Return the smallest report that is in order, with ``changes``; a change to None leaves the field out."""
    report = {
        "schema": "leadtime.report/1",
        "title": "Stack overflow when indenting",
        "description": "A deep document with a large indent writes past a buffer.",
        "component": "pkg:pypi/ujson@5.0.0",
        "found_by": {"tool": "example-fuzzer", "person_reviewed": True},
        **changes,
    }
    return {name: value for name, value in report.items() if value is not None}


def as_bytes(report: object) -> bytes:
    """Return a report as it travels."""
    return json.dumps(report).encode()
