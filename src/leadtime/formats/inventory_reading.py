"""One door to every form of inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from leadtime.formats.component_csv import read_component_csv
from leadtime.formats.cyclonedx import read_cyclonedx
from leadtime.formats.inventories import InventoryForm, InventoryListing, as_utf8, check_size, recognise_form
from leadtime.formats.package_lock import read_package_lock
from leadtime.formats.pip_freeze import read_pip_freeze

READERS: Mapping[InventoryForm, Callable[[bytes], InventoryListing]] = {
    InventoryForm.CYCLONEDX: read_cyclonedx,
    InventoryForm.PIP_FREEZE: read_pip_freeze,
    InventoryForm.PACKAGE_LOCK: read_package_lock,
    InventoryForm.CSV: read_component_csv,
}


def read_inventory(raw: bytes, form: InventoryForm | None = None) -> InventoryListing:
    """Return what an inventory lists; without ``form`` it is recognised. Raises `Malformed` as the reader does."""
    check_size(raw)
    plain = as_utf8(raw)
    return READERS[form or recognise_form(plain)](plain)
