"""Makes a Python release importable, inside the sandbox: ``make_site.py SOURCE SITE``.

Asks the release's own build backend for a wheel (PEP 517) and unpacks that into SITE. What the backend needs must be
importable already; there is no network here.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import tomllib
import zipfile

DEFAULT_BACKEND = "setuptools.build_meta:__legacy__"


def backend_of(source: str) -> tuple[str, list[str]]:
    """Return the backend that the release names, and where it lies if that is inside the release."""
    try:
        with open(os.path.join(source, "pyproject.toml"), "rb") as stream:
            system = tomllib.load(stream).get("build-system", {})
    except (OSError, tomllib.TOMLDecodeError):
        system = {}
    return system.get("build-backend", DEFAULT_BACKEND), system.get("backend-path", [])


def main() -> None:
    """Build the wheel and unpack it."""
    source, site = sys.argv[1:3]
    backend, places = backend_of(source)
    sys.path[:0] = [os.path.join(source, place) for place in places]
    module, _, attribute = backend.partition(":")
    builder: object = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        builder = getattr(builder, name)
    os.chdir(source)
    with tempfile.TemporaryDirectory() as place:
        wheel = builder.build_wheel(place)  # type: ignore[attr-defined]
        with zipfile.ZipFile(os.path.join(place, wheel)) as archive:
            archive.extractall(site)


main()
