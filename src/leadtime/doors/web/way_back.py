"""From a refused form back to the page that it stands on."""

from __future__ import annotations

from collections.abc import Mapping

FORM_PARTS_MIN = 2
"""Addresses of at most so many parts are pages themselves (``/sign-in/{secret}``)."""

_FORM_PAGES: Mapping[str, str] = {
    "me": "/me",
    "flags": "/flags",
    "patch-by": "/patch-by",
    "inventories": "/patch-by",
    "sign-out": "/",
}
"""First part of an address that a form is sent to -> the page that has the form, where it is not the part above."""


def way_back(path: str) -> str:
    """Return the page whose form is sent to ``path``: what comes before its last part."""
    parts = path.strip("/").split("/")
    return _FORM_PAGES.get(parts[0]) or "/" + "/".join(parts[:-1] if len(parts) > FORM_PARTS_MIN else parts)
