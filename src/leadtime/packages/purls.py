"""Package URLs: text in, one canonical record out (purl-spec 1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from leadtime.foundation.errors import Malformed
from leadtime.packages.limits import PURL_CHARACTERS_MAX

ECOSYSTEMS_BY_TYPE: Mapping[str, str] = {
    "pypi": "PyPI",
    "npm": "npm",
    "golang": "Go",
    "cargo": "crates.io",
    "gem": "RubyGems",
    "maven": "Maven",
    "nuget": "NuGet",
    "composer": "Packagist",
    "hex": "Hex",
    "pub": "Pub",
    "cran": "CRAN",
    "hackage": "Hackage",
    "swift": "SwiftURL",
    "githubactions": "GitHub Actions",
    "conan": "ConanCenter",
    "bitnami": "Bitnami",
}
"""Purl type -> OSV's name of the world that it names."""
_ECOSYSTEM_OF_DISTRIBUTION = {
    ("deb", "debian"): "Debian",
    ("deb", "ubuntu"): "Ubuntu",
    ("apk", "alpine"): "Alpine",
    ("apk", "wolfi"): "Wolfi",
    ("apk", "chainguard"): "Chainguard",
    ("rpm", "redhat"): "Red Hat",
    ("rpm", "almalinux"): "AlmaLinux",
    ("rpm", "rocky-linux"): "Rocky Linux",
    ("rpm", "opensuse"): "openSUSE",
    ("rpm", "suse"): "SUSE",
}
ECOSYSTEMS_OF_DISTRIBUTIONS: frozenset[str] = frozenset(_ECOSYSTEM_OF_DISTRIBUTION.values())
_PLACE_OF_ECOSYSTEM: dict[str, tuple[str, str | None]] = {
    **{ecosystem: (kind, None) for kind, ecosystem in ECOSYSTEMS_BY_TYPE.items()},
    **{ecosystem: place for place, ecosystem in _ECOSYSTEM_OF_DISTRIBUTION.items()},
}
_SEPARATOR_OF_TYPE = {"maven": ":", "npm": "/", "golang": "/", "composer": "/", "swift": "/", "githubactions": "/"}
"""What stands between namespace and name where a package's own world writes both as one."""
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")
_NAME_SHAPE = re.compile(r"[^/]+")
_NAME_SHAPES = {"pypi": re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"), "npm": re.compile(r"[^._/@][^/@]*")}
"""Names reach an index as part of an address: none may climb in it or ask for something else."""
_LOWERCASED_NAMES = frozenset({"deb", "apk"})
_LOWERCASED_NAMESPACES = frozenset({"deb", "apk", "rpm"})
"""The specification lowercases these too (types deb, apk, rpm); the library does not."""
_STEP = "Write it like pkg:pypi/name@1.0 or pkg:npm/%40scope/name@1.0."


@dataclass(frozen=True, slots=True, order=True)
class Purl:
    """One package, or one version of it; equal records name the same thing.

    Parts that are absent are ``None``; ``qualifiers`` are sorted by key. `parse_purl` and `purl_for` build it.
    """

    type: str
    namespace: str | None
    name: str
    version: str | None = None
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str | None = None

    def __str__(self) -> str:
        """Return the canonical text (purl-spec 1.0, section 5.5)."""
        return PackageURL(
            self.type, self.namespace, self.name, self.version, dict(self.qualifiers), self.subpath
        ).to_string()

    def without_version(self) -> Purl:
        """Return the package itself: no version, qualifiers or subpath."""
        return replace(self, version=None, qualifiers=(), subpath=None)

    def with_version(self, version: str) -> Purl:
        """Return the same package at another version."""
        return replace(self, version=version)

    @property
    def ecosystem(self) -> str | None:
        """Return what OSV calls this package's world ("PyPI", "npm", "Debian"), or None where OSV has no name."""
        if self.type in ECOSYSTEMS_BY_TYPE:
            return ECOSYSTEMS_BY_TYPE[self.type]
        return _ECOSYSTEM_OF_DISTRIBUTION.get((self.type, (self.namespace or "").lower()))

    @property
    def full_name(self) -> str:
        """Return the name as the package's own world writes it: ``@scope/name``, ``group:artifact``, ``ujson``."""
        if self.namespace is None or self.ecosystem in ECOSYSTEMS_OF_DISTRIBUTIONS:
            return self.name
        return f"{self.namespace}{_SEPARATOR_OF_TYPE.get(self.type, '/')}{self.name}"


def parse_purl(text: str, *, where: str) -> Purl:
    """Return the package that ``text`` names, in canonical form; raises `Malformed` naming ``where``.

    PyPI names are normalised as PEP 503 says; other names only as the purl specification does.
    """
    if len(text) > PURL_CHARACTERS_MAX:
        raise Malformed(f"a purl has at most {PURL_CHARACTERS_MAX} characters", where=where, next_step="Shorten it.")
    try:
        found = PackageURL.from_string(text)
    except ValueError:
        raise Malformed("this is not a package URL", where=where, next_step=_STEP) from None
    return _checked(found, where)


def is_ecosystem(name: str) -> bool:
    """Tell whether `purl_for` knows an ecosystem ("PyPI", "Debian:12")."""
    return name.partition(":")[0] in _PLACE_OF_ECOSYSTEM


def purl_for(ecosystem: str, name: str, *, where: str = "package") -> Purl:
    """Return the purl of the package that OSV calls ``name`` in ``ecosystem`` ("PyPI", "Debian:12", "npm").

    Raises `Malformed` for an ecosystem without a purl type, or a name that cannot be one.
    """
    place = _PLACE_OF_ECOSYSTEM.get(ecosystem.partition(":")[0])
    if place is None:
        raise Malformed(
            "this ecosystem has no purl type here", where=where, next_step="Give the package as a purl instead."
        )
    if len(name) > PURL_CHARACTERS_MAX:
        raise Malformed(f"a name has at most {PURL_CHARACTERS_MAX} characters", where=where, next_step="Shorten it.")
    kind, namespace = place
    if kind in _SEPARATOR_OF_TYPE:
        namespace, _, name = name.rpartition(_SEPARATOR_OF_TYPE[kind])
    try:
        return _checked(PackageURL(kind, namespace or None, name), where)
    except ValueError:
        raise Malformed("this is not a package's name", where=where, next_step=_STEP) from None


def _checked(found: PackageURL, where: str) -> Purl:
    qualifiers = found.qualifiers if isinstance(found.qualifiers, dict) else {}
    pairs = tuple(sorted(qualifiers.items()))
    parts = (found.namespace, found.name, found.version, found.subpath, *(part for pair in pairs for part in pair))
    if any(_UNSAFE.search(part) for part in parts if part is not None):
        raise Malformed("a purl has no spaces or control characters", where=where, next_step=_STEP)
    if found.type == "pypi" and found.namespace is not None:
        raise Malformed("a PyPI package has no namespace", where=where, next_step=_STEP)
    namespace, name = found.namespace, found.name
    if found.type == "pypi":
        name = canonicalize_name(name)
    if found.type in _LOWERCASED_NAMES:
        name = name.lower()
    if found.type in _LOWERCASED_NAMESPACES and namespace is not None:
        namespace = namespace.lower()
    if not _NAME_SHAPES.get(found.type, _NAME_SHAPE).fullmatch(name):
        raise Malformed(f"this cannot be the name of a package of type {found.type}", where=where, next_step=_STEP)
    return Purl(found.type, namespace, name, found.version, pairs, found.subpath)
