"""Set-up's door to the pages' stylesheet: fetch USWDS by purl, check its digest, keep what its stylesheet refers to.

``python -m leadtime.doors.web.vendor`` does it once; running it again does nothing. No Node is needed, nothing fetched
is executed, and no script of it is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from leadtime.doors.web.rendering import VENDOR
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused, Unavailable
from leadtime.foundation.home import make_home
from leadtime.foundation.settings import read_settings
from leadtime.packages.fetch import Fetcher, open_fetcher
from leadtime.packages.purls import parse_purl
from leadtime.packages.unpack import unpack

PURL = "pkg:npm/%40uswds/uswds@3.14.0"
DIGEST = Digest("sha256:da91c65e6fc736fa397f0daf6ca2c2c95711506d85c7ad2537a4570725401e1c")
STYLESHEET = "css/uswds.min.css"
LICENCE = "LICENSE.md"
STAMP = "from.txt"
"""Written last: the purl and digest that the directory was made from."""

EXIT_UNAVAILABLE = 5

_REFERENCE = re.compile(r"""url\(["']?\.\./([A-Za-z0-9_./-]{1,200})["']?\)""")


def is_set_up(directory: Path) -> bool:
    """Tell whether ``directory`` holds what this release of Leadtime wants."""
    stamp = directory / STAMP
    return stamp.is_file() and stamp.read_text() == _stamp()


def set_up(fetcher: Fetcher, directory: Path) -> int:
    """Fill ``directory`` with the stylesheet and the fonts and images that it refers to; return how many files.

    Raises `Refused` if the package is not the pinned one, and what `Fetcher.release` raises.
    """
    release = fetcher.release(parse_purl(PURL, where="uswds"))
    if release.digest != DIGEST:
        raise Refused("the package is not the pinned one", where=PURL, next_step="Point npm at a registry that has it.")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=directory.parent) as temporary:
            tree = Path(temporary) / "tree"
            unpack(release.archive, tree, where=PURL)
            fresh = Path(temporary) / "fresh"
            count = prune(tree, fresh)
            shutil.rmtree(directory, ignore_errors=True)
            fresh.rename(directory)
    except OSError as problem:
        raise Unavailable(
            f"the stylesheet cannot be kept ({problem.strerror})",
            where=str(directory),
            next_step="Make the folder writable.",
        ) from None
    return count


def prune(tree: Path, into: Path) -> int:
    """Copy the stylesheet of an unpacked USWDS, what it refers to, and its licence; return how many files.

    Raises `Malformed` if it refers to a file that the package lacks or that lies outside of it.
    """
    dist = tree / "dist"
    wanted = sorted({STYLESHEET, *_REFERENCE.findall((dist / STYLESHEET).read_text())})
    for name in wanted:
        source = dist / name
        if ".." in Path(name).parts or not source.is_file():
            raise Malformed("the stylesheet refers to a file that is not there", where=name, next_step="Report this.")
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.copyfile(tree / LICENCE, into / LICENCE)
    (into / STAMP).write_text(_stamp())
    return len(wanted)


def _stamp() -> str:
    return f"{PURL} {DIGEST}\n"


def main() -> int:
    """Set the pages' stylesheet up if it is not; returns the exit code."""
    settings = read_settings(os.environ)
    try:
        make_home(settings.home)
        if not is_set_up(VENDOR):
            count = set_up(open_fetcher(settings.home / "releases", os.environ), VENDOR)
            print(f"Stylesheet set up: {count} files of {PURL}.")  # noqa: T201  # a set-up step speaks to its person
    except LeadtimeError as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return EXIT_UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
