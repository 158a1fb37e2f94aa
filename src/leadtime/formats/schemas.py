"""The official JSON schemas, read from a directory that set-up filled; none is written by us or kept in the repository.

`PINS` names the released package that ships each one and the digests of the package and of the file in it.
A reference that is not among them is never followed: nothing here has a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leadtime.foundation.digests import Digest, digest_of
from leadtime.foundation.errors import Malformed, Unavailable

DIRECTORY = Path(__file__).parent / "vendor"
"""Where set-up keeps the schemas; git ignores it, a built wheel holds it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One schema file: the wheel that ships it (as a purl), that wheel's digest, the member in it, and its digest."""

    wheel: str
    wheel_digest: Digest
    member: str
    digest: Digest


_OSV = "pkg:pypi/osv@0.1.3"
_OSV_DIGEST = Digest("sha256:0eabd7164d3a7b3c578a5953c61cf309527daef5de64b34fc9c41a4f766f0055")
_CVE = "pkg:pypi/cvelib@1.8.0"
_CVE_DIGEST = Digest("sha256:9bca8d138e67ec6d6ac50c63040f0262099be2bb6db1c26a05fdd8eee30a939c")
_CYCLONEDX = "pkg:pypi/cyclonedx-python-lib@11.12.0"
_CYCLONEDX_DIGEST = Digest("sha256:0e807521a921a5c3cb8ce1153f8a61d29eedfe76a46aac2796b7c6b573391a54")
_CYCLONEDX_FILES = {
    "bom-1.4": "sha256:0993dee0b506658c9fed2be6a871261f08911719feba28c51f62bda8dd830576",
    "bom-1.5": "sha256:7e88444a06e0924f13dc3833cda313872c772763b47a4e1ac55e77992b8f0a44",
    "bom-1.6": "sha256:83821ba49aa366ad1f1d16c34837d05edd010f036f652e310db1c77d57b37c58",
    "bom-1.7": "sha256:dd7942f6a2e93bc3305da220e61a7931cc536fd10ee5fa063809055c6c1c2ffb",
    "spdx": "sha256:ea6e844ee6fba1e93473d94834d0ee0996970533497935f932f73d488ffdf4a3",
    "jsf-0.82": "sha256:8bae002c25e723db7ee1f26afde680ae1a2b1a8f6b4b4b0fd65dc3becb090aae",
    "cryptography-defs": "sha256:027b059a729a06d591bac79a584ef04f83fc32d91a826fdba6ad3c98a10e5b44",
}

OSV = "osv.schema.json"
CVE = "cve-5.1.1.schema.json"

PINS: Mapping[str, Pin] = {
    OSV: Pin(
        _OSV,
        _OSV_DIGEST,
        "osv/osv-schema/validation/schema.json",
        Digest("sha256:cc28d580bfd09e8839079f458050475e3b70e1e635f8b9f7b348f8821ca7fced"),
    ),
    CVE: Pin(
        _CVE,
        _CVE_DIGEST,
        "cvelib/schemas/CVE_JSON_bundled_5.1.1.json",
        Digest("sha256:c5f31c951a2934858e0925d40eec81006c9daad554cad133e00bc181ca578c74"),
    ),
    **{
        f"{name}.SNAPSHOT.schema.json": Pin(
            _CYCLONEDX, _CYCLONEDX_DIGEST, f"cyclonedx/schema/_res/{name}.SNAPSHOT.schema.json", Digest(digest)
        )
        for name, digest in _CYCLONEDX_FILES.items()
    },
}
"""File name here -> where it comes from. The CSAF schemas come with the package ``csaf``, whose tests use them."""


def read_schema(name: str, directory: Path = DIRECTORY) -> dict[str, object]:
    """Return the schema of that name from `PINS`.

    Raises `Unavailable` if set-up has not fetched it, `Malformed` if the file is not the pinned one.
    """
    try:
        content = (directory / name).read_bytes()
    except FileNotFoundError:
        raise Unavailable(
            "the official schema is not set up", where=name, next_step="Run python -m leadtime.doors.schemas."
        ) from None
    if digest_of(content) != PINS[name].digest:
        raise Malformed(
            "the schema file is not the pinned one", where=name, next_step="Run python -m leadtime.doors.schemas."
        )
    schema: dict[str, object] = json.loads(content)
    return schema
