"""How people write the world that a package comes from, and what OSV calls it."""

from __future__ import annotations

from collections.abc import Mapping

from leadtime.packages.purls import ECOSYSTEMS_BY_TYPE, ECOSYSTEMS_OF_DISTRIBUTIONS

_SPOKEN: Mapping[str, str] = {
    "pip": "PyPI",
    "pip3": "PyPI",
    "python": "PyPI",
    "poetry": "PyPI",
    "wheel": "PyPI",
    "node": "npm",
    "nodejs": "npm",
    "node.js": "npm",
    "javascript": "npm",
    "yarn": "npm",
    "pnpm": "npm",
    "go module": "Go",
    "gomod": "Go",
    "rust": "crates.io",
    "crates": "crates.io",
    "crate": "crates.io",
    "ruby": "RubyGems",
    "rubygem": "RubyGems",
    "bundler": "RubyGems",
    "java": "Maven",
    "gradle": "Maven",
    ".net": "NuGet",
    "dotnet": "NuGet",
    "php": "Packagist",
    "dart": "Pub",
    "elixir": "Hex",
    "erlang": "Hex",
    "r": "CRAN",
    "haskell": "Hackage",
}
"""What is said beside the names of OSV and the types of purl; ``deb`` and ``rpm`` are not said to be one's."""

_MEANT: Mapping[str, str] = {
    **_SPOKEN,
    **ECOSYSTEMS_BY_TYPE,
    **{name.lower(): name for name in (*ECOSYSTEMS_BY_TYPE.values(), *ECOSYSTEMS_OF_DISTRIBUTIONS)},
}


def ecosystem_meant(text: str) -> str:
    """Return what OSV calls the ecosystem that a person wrote (``python`` is ``PyPI``, ``debian:12`` ``Debian:12``).

    What is not known comes back as it was written: nothing is guessed.
    """
    name, separator, release = text.strip().partition(":")
    known = _MEANT.get(name.strip().lower())
    return f"{known}{separator}{release.strip()}" if known else text
