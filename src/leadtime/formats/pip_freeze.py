"""What ``pip freeze`` prints, and pinned requirements files (PEP 440 and 508 names, PyPI)."""

from __future__ import annotations

import re

from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent, counted, inventory_lines
from leadtime.formats.limits import LINE_CHARS_MAX
from leadtime.foundation.errors import Malformed

ECOSYSTEM = "PyPI"
_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*"
_PINNED = re.compile(_NAME + r"={2,3}\s*(?P<version>[^\s;#\\,*]+)\s*(?:;.*|\\|\s+#.*|\s+--.*)?\Z")
_NAMED = re.compile(_NAME + r"(?:@.*|[<>!~=;,#].*|\\)?\Z")
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=].*?(?:#egg=(?P<egg>[A-Za-z0-9._-]+).*)?\Z")


def read_pip_freeze(raw: bytes) -> InventoryListing:
    """Return the packages of a ``pip freeze``; raises `Malformed` naming the line that cannot be read.

    A line that names a package without one exact version (editable, from a path, a range) is listed without version.
    Options (``-r``, ``--hash``, ``--index-url``) and comments are passed over.
    """
    found: list[ListedComponent] = []
    for number, line in enumerate(inventory_lines(raw), start=1):
        where = f"line {number}"
        if len(line) > LINE_CHARS_MAX:
            raise Malformed(f"a line has at most {LINE_CHARS_MAX} characters", where=where, next_step="Correct it.")
        component = _component(line.strip(), where)
        if component:
            found.append(component)
    return InventoryListing(InventoryForm.PIP_FREEZE, tuple(counted(found)))


def _component(line: str, where: str) -> ListedComponent | None:
    editable = _EDITABLE.match(line)
    if editable:
        return ListedComponent(where, editable["egg"] or "(an editable install)", None, None, ECOSYSTEM)
    if not line or line.startswith(("#", "-")):
        return None
    pinned = _PINNED.match(line)
    if pinned:
        return ListedComponent(where, pinned["name"], pinned["version"], None, ECOSYSTEM)
    named = _NAMED.match(line)
    if named:
        return ListedComponent(where, named["name"], None, None, ECOSYSTEM)
    raise Malformed("this is not a line of pip freeze", where=where, next_step="Write name==version, one a line.")
