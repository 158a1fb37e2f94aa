"""npm's ``package-lock.json`` (and ``npm-shrinkwrap.json``), lockfileVersion 1, 2 and 3."""

from __future__ import annotations

import json

from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent, counted, inventory_json
from leadtime.formats.limits import COMPONENTS_MAX
from leadtime.formats.members import JsonObject, object_in, text_in
from leadtime.foundation.errors import Malformed

ECOSYSTEM = "npm"
_CHARS_MAX = 100_000
_WHERE_CHARS_MAX = 500
_FOLDER = "node_modules/"
_ALIAS = "npm:"


def read_package_lock(raw: bytes) -> InventoryListing:
    """Return the installed packages of a lock file; raises `Malformed` for another shape.

    The project itself and links into it are left out; an alias is listed under the package's real name; a package
    from Git, a file or an address keeps no version that a registry knows and is listed without one.
    """
    document = object_in(inventory_json(raw), "$")
    if not isinstance(document.get("lockfileVersion"), int):
        raise Malformed("this is not a package-lock.json", where="$.lockfileVersion", next_step="Give npm's lock file.")
    packages = document.get("packages")
    found = _flat(object_in(packages, "$.packages")) if packages is not None else _nested(document)
    return InventoryListing(InventoryForm.PACKAGE_LOCK, tuple(counted(found)))


def _flat(packages: JsonObject) -> list[ListedComponent]:
    """Read versions 2 and 3: one member per folder."""
    found: list[ListedComponent] = []
    for folder, value in packages.items():
        where = _member("$.packages", folder)
        package = object_in(value, where)
        if _FOLDER not in folder or package.get("link") is True:
            continue
        name = text_in(package, "name", where, chars_max=_CHARS_MAX) or folder.rpartition(_FOLDER)[2]
        found.append(_component(name, text_in(package, "version", where, chars_max=_CHARS_MAX), where))
    return found


def _nested(document: JsonObject) -> list[ListedComponent]:
    """Read version 1: dependencies inside dependencies, without recursion."""
    found: list[ListedComponent] = []
    waiting = [("$", document)]
    while waiting and len(found) <= COMPONENTS_MAX:
        parent, package = waiting.pop()
        dependencies = package.get("dependencies")
        if dependencies is None:
            continue
        for name, value in object_in(dependencies, f"{parent}.dependencies").items():
            where = _member(f"{parent}.dependencies", name)
            inner = object_in(value, where)
            found.append(_component(name, text_in(inner, "version", where, chars_max=_CHARS_MAX), where))
            waiting.append((where, inner))
    return found


def _member(parent: str, name: str) -> str:
    """Return where a member stands; a place that is too long keeps its end."""
    return f"{parent}[{json.dumps(name)}]"[-_WHERE_CHARS_MAX:]


def _component(name: str, version: str | None, where: str) -> ListedComponent:
    if version and version.startswith(_ALIAS):
        name, _, version = version.removeprefix(_ALIAS).rpartition("@")
    plain = version if version and ":" not in version and "/" not in version else None
    return ListedComponent(where, name, plain, None, ECOSYSTEM)
