"""Set-up's door to the official schemas: fetch the pinned packages by purl and keep the pinned files of them.

``python -m leadtime.doors.schemas`` does it once; running it again fetches only what is missing or altered.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from leadtime.formats.schemas import DIRECTORY, PINS, Pin
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import LeadtimeError, Refused, Unavailable
from leadtime.foundation.home import make_home
from leadtime.foundation.settings import read_settings
from leadtime.packages.fetch import Fetcher, open_fetcher
from leadtime.packages.purls import parse_purl

SCHEMA_BYTES_MAX = 4 << 20
EXIT_UNAVAILABLE = 5


def missing_schemas(directory: Path) -> Mapping[str, Pin]:
    """Return the pins whose file is not in ``directory`` or is another than the pinned one."""
    return {
        name: pin
        for name, pin in PINS.items()
        if not (directory / name).is_file() or digest_of((directory / name).read_bytes()) != pin.digest
    }


def fetch_schemas(fetcher: Fetcher, directory: Path) -> int:
    """Fetch every missing schema into ``directory`` and return how many there were.

    Raises `Refused` if a package or a file in it is not the pinned one, and what `Fetcher.release` raises.
    """
    missing = missing_schemas(directory)
    for name, pin in missing.items():
        _keep(directory / name, _member(fetcher, pin))
    return len(missing)


def _member(fetcher: Fetcher, pin: Pin) -> bytes:
    release = fetcher.release(parse_purl(pin.wheel, where="pin"), wheel=True)
    if release is None or release.digest != pin.wheel_digest:
        raise Refused(
            "the package is not the pinned one", where=pin.wheel, next_step="Point pip at an index that has it."
        )
    with zipfile.ZipFile(release.archive) as wheel, wheel.open(pin.member) as stream:
        content = stream.read(SCHEMA_BYTES_MAX + 1)
    if digest_of(content) != pin.digest:
        raise Refused("the schema in it is not the pinned one", where=pin.wheel, next_step="Report this.")
    return content


def _keep(path: Path, content: bytes) -> None:
    """Write a whole file or none: a reader at the same time sees the old one or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as problem:
        raise Unavailable(
            f"the schema cannot be kept ({problem.strerror})", where=str(path), next_step="Make the folder writable."
        ) from None


def main() -> int:
    """Fetch what is missing and say so; returns the exit code."""
    settings = read_settings(os.environ)
    try:
        make_home(settings.home)
        if missing_schemas(DIRECTORY):
            fetched = fetch_schemas(open_fetcher(settings.home / "releases", os.environ), DIRECTORY)
            print(f"Official schemas set up: {fetched} fetched.")  # noqa: T201  # a set-up step speaks to its person
    except LeadtimeError as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return EXIT_UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
