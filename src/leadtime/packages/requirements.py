"""Which pure wheels satisfy a requirement such as ``setuptools<70``: decided from names and metadata alone.

Standards: PEP 508 requirements, PEP 440 specifiers, PEP 427 wheels, core metadata 2.x.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import cast

from packaging.markers import UndefinedEnvironmentName, default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from leadtime.foundation.errors import Malformed, Refused
from leadtime.packages import limits
from leadtime.packages.pypi import pure_wheel_version
from leadtime.packages.releases import Offer
from leadtime.packages.streams import BoundedZip

_BROKEN = (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project and the versions of it that will do."""

    project: str
    specifier: SpecifierSet


def parse_requirement(text: str, *, where: str) -> Wanted:
    """Return what a requirement asks for; raises `Malformed`, or `Refused` for addresses and extras."""
    if len(text) > limits.REQUIREMENT_CHARACTERS_MAX:
        raise Malformed(
            f"a requirement has at most {limits.REQUIREMENT_CHARACTERS_MAX} characters",
            where=where,
            next_step="Shorten it.",
        )
    try:
        found = Requirement(text)
    except InvalidRequirement:
        raise Malformed("this is not a requirement", where=where, next_step="Write it like setuptools<70.") from None
    return _plain(found, where)


def newest_pure_wheel(offers: Iterable[Offer], wanted: Wanted, *, python: str) -> tuple[Version, Offer] | None:
    """Return the newest pure wheel that satisfies ``wanted`` and runs on that Python ("3.11.7"), or None.

    Yanked files count only where the requirement names their very version (PEP 592); pre-releases only where
    nothing else is left or the requirement names one (PEP 440).
    """
    found: dict[Version, Offer] = {}
    exact = any(each.operator in {"==", "==="} and not each.version.endswith(".*") for each in wanted.specifier)
    for offer in offers:
        version = pure_wheel_version(offer.filename, wanted.project)
        if version is not None and (exact or not offer.yanked) and _runs_on(offer, python):
            found.setdefault(version, offer)
    fitting = list(wanted.specifier.filter(found))
    return (max(fitting), found[max(fitting)]) if fitting else None


def wheel_requirements(wheel: Path, *, python: str, where: str) -> tuple[Wanted, ...]:
    """Return what a wheel needs at run time on that Python, without extras; read from its metadata, nothing is run.

    Raises `Malformed` where the wheel has no readable metadata, and `Refused` for addresses and extras.
    """
    environment = cast("dict[str, str]", default_environment()) | {"extra": "", "python_full_version": python}
    environment["python_version"] = ".".join(python.split(".")[:2])
    lines = message_from_bytes(_metadata(wheel, where), policy=policy.compat32).get_all("Requires-Dist") or []
    if len(lines) > limits.REQUIREMENTS_MAX:
        raise Malformed(
            f"a wheel needs more than {limits.REQUIREMENTS_MAX} others", where=where, next_step="Pin another version."
        )
    wanted = []
    for line in lines:
        try:
            found = Requirement(str(line))
            applies = found.marker is None or found.marker.evaluate(environment)
        except (InvalidRequirement, UndefinedEnvironmentName, ValueError):
            raise Malformed(
                "the wheel's metadata holds an unreadable requirement", where=where, next_step="Pin another version."
            ) from None
        if applies:
            wanted.append(_plain(found, where))
    return tuple(wanted)


def _plain(found: Requirement, where: str) -> Wanted:
    if found.url is not None or found.extras:
        raise Refused(
            "a requirement with an address or with extras is not fetched",
            where=where,
            next_step="Name the project and its versions only.",
        )
    return Wanted(canonicalize_name(found.name), found.specifier)


def _runs_on(offer: Offer, python: str) -> bool:
    try:
        return SpecifierSet(offer.requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        return True


def _metadata(wheel: Path, where: str) -> bytes:
    try:
        with wheel.open("rb") as stream, zipfile.ZipFile(BoundedZip(stream, where=where)) as opened:
            names = [name for name in opened.namelist() if _is_metadata(name)]
            if len(names) != 1:
                raise Malformed("the wheel has not exactly one METADATA", where=where, next_step="Pin another version.")
            with opened.open(names[0]) as content:
                metadata = content.read(limits.METADATA_BYTES_MAX + 1)
    except _BROKEN as problem:
        raise Malformed(
            f"the wheel is broken ({type(problem).__name__})", where=where, next_step="Pin another version."
        ) from None
    if len(metadata) > limits.METADATA_BYTES_MAX:
        raise Malformed(
            f"the wheel's metadata has more than {limits.METADATA_BYTES_MAX} bytes",
            where=where,
            next_step="Pin another version.",
        )
    return metadata


def _is_metadata(name: str) -> bool:
    directory, slash, file = name.partition("/")
    return bool(slash) and directory.endswith(".dist-info") and file == "METADATA"
