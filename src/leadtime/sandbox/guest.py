"""The files that run inside the box beside the observer."""

from __future__ import annotations

import functools
import importlib.util
import py_compile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from leadtime.foundation.errors import Unavailable

PLACES = (Path(__file__).parents[1] / "guest", Path(__file__).parents[3] / "guest")
"""Beside the package when installed, at the top of a checkout."""


def guest_place() -> Path:
    """Return the directory of the guest's files on this machine; raises `Unavailable` if they are not installed."""
    place = next((place for place in PLACES if (place / "enter.py").is_file()), None)
    if place is None:
        raise Unavailable("the observer's files are missing", where="guest", next_step="Install Leadtime again.")
    return place


@functools.cache
def guest_files() -> Mapping[str, bytes]:
    """Return the guest's sources and their bytecode: path below the observer's directory -> content.

    Handed in as content, they may lie where the unprivileged user cannot read them. Without the bytecode every watched
    run would compile them again, which takes as long as the rest of it; an interpreter of another version ignores it.

    Raises:
        Unavailable: they are not installed.
    """
    place = guest_place()
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as directory:
        compiled = Path(directory, "compiled")
        for source in sorted(place.glob("*.py")):
            name = f"guest/{source.name}"
            files[name] = source.read_bytes()
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(source), str(compiled), f"/observer/{name}", doraise=True, invalidation_mode=mode)
            files[importlib.util.cache_from_source(name)] = compiled.read_bytes()
    # Where gdb looks for its own module, with guest/ as its data directory.
    files["guest/python/gdb.py"] = (place / "small_gdb.py").read_bytes()
    return files
