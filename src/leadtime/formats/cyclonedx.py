"""CycloneDX JSON (1.2 to 1.7, ECMA-424): the components of a bill of materials, nested ones included.

Only what lists components is read: references between them may form cycles and are never followed.
"""

from __future__ import annotations

from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent, counted, inventory_json
from leadtime.formats.limits import COMPONENTS_MAX
from leadtime.formats.members import JsonObject, list_in, object_in, text_in
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json

_CHARS_MAX = 100_000
"""Read generously; `counted` says precisely which component is too long."""


def read_cyclonedx(raw: bytes) -> InventoryListing:
    """Return the components of a CycloneDX JSON document; raises `Malformed` for another shape or too many.

    A group is part of the name (``group/name``), as the specification says; files, certificates and other components
    that have no purl are listed as they are, so that the reader can say that they cannot be matched.
    """
    document = object_in(inventory_json(raw), "$")
    if document.get("bomFormat") != "CycloneDX":
        raise Malformed("this is not CycloneDX", where="$.bomFormat", next_step="Give CycloneDX JSON.")
    found: list[ListedComponent] = []
    waiting: list[tuple[str, Json]] = _roots(document)
    while waiting:
        if len(found) > COMPONENTS_MAX:
            break
        where, value = waiting.pop()
        component = object_in(value, where)
        found.append(_component(component, where))
        nested = list_in(component, "components", where, items_max=COMPONENTS_MAX)
        waiting.extend((f"{where}.components[{index}]", each) for index, each in reversed(list(enumerate(nested))))
    return InventoryListing(InventoryForm.CYCLONEDX, tuple(counted(found)))


def _roots(document: JsonObject) -> list[tuple[str, Json]]:
    """Return where reading begins, last first: the described product itself, then its components."""
    listed = list_in(document, "components", "$", items_max=COMPONENTS_MAX)
    roots: list[tuple[str, Json]] = [(f"$.components[{index}]", each) for index, each in enumerate(listed)]
    roots.reverse()
    metadata = document.get("metadata")
    subject = metadata.get("component") if isinstance(metadata, dict) else None
    if isinstance(subject, dict) and subject.get("purl") is not None:
        roots.append(("$.metadata.component", subject))
    return roots


def _component(component: JsonObject, where: str) -> ListedComponent:
    name = text_in(component, "name", where, chars_max=_CHARS_MAX) or ""
    group = text_in(component, "group", where, chars_max=_CHARS_MAX)
    return ListedComponent(
        where=where,
        name=f"{group}/{name}" if group else name,
        version=text_in(component, "version", where, chars_max=_CHARS_MAX) or None,
        purl=text_in(component, "purl", where, chars_max=_CHARS_MAX) or None,
    )
