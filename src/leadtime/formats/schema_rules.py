"""Documents whose official rules are one JSON schema: OSV, CVE records, CycloneDX."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jsonschema_rs

from leadtime.formats import osv_amendments
from leadtime.formats.members import JsonObject
from leadtime.formats.schemas import CVE, OSV, read_schema
from leadtime.formats.verdicts import Failure, failure

_CYCLONEDX_VERSIONS = ("1.4", "1.5", "1.6", "1.7")
_CYCLONEDX_PARTS = ("spdx", "jsf-0.82", "cryptography-defs")
_PUBLISHED, _REJECTED = "Published", "Rejected"
_CYCLONEDX_BASE = "http://cyclonedx.org/schema/"


def osv_failures(document: JsonObject, schemas: Path) -> tuple[Failure, ...]:
    """Return every failed rule of an OSV record: the released schema with what the schema has gained since."""
    return _failures(_osv_validator(schemas), document)


def cve_failures(document: JsonObject, schemas: Path) -> tuple[Failure, ...]:
    """Return every failed rule of a CVE record (CVE JSON 5.1.1).

    The schema says "published or rejected"; the record's own state chooses which, so that the rules of that one are
    named.
    """
    metadata = document.get("cveMetadata")
    rejected = isinstance(metadata, dict) and metadata.get("state") == "REJECTED"
    return _failures(_cve_validator(schemas, _REJECTED if rejected else _PUBLISHED), document)


def cyclonedx_version(document: JsonObject) -> str | None:
    """Return the document's CycloneDX version if its schema is at hand (1.4 to 1.7), else None."""
    version = document.get("specVersion")
    return version if isinstance(version, str) and version in _CYCLONEDX_VERSIONS else None


def cyclonedx_failures(document: JsonObject, schemas: Path) -> tuple[Failure, ...]:
    """Return every failed rule of a CycloneDX document whose `cyclonedx_version` is not None."""
    return _failures(_cyclonedx_validator(schemas, str(cyclonedx_version(document))), document)


@cache
def _osv_validator(schemas: Path) -> jsonschema_rs.Validator:
    return _validator(osv_amendments.amended(read_schema(OSV, schemas)))


@cache
def _cve_validator(schemas: Path, state: str) -> jsonschema_rs.Validator:
    whole = read_schema(CVE, schemas)
    branches = whole.pop("oneOf")
    if not isinstance(branches, list):
        raise TypeError("the schema is one of several")
    return _validator({**whole, "allOf": [next(each for each in branches if each["title"] == state)]})


@cache
def _cyclonedx_validator(schemas: Path, version: str) -> jsonschema_rs.Validator:
    parts = [(name, read_schema(f"{name}.SNAPSHOT.schema.json", schemas)) for name in _CYCLONEDX_PARTS]
    registry = jsonschema_rs.Registry([(f"{_CYCLONEDX_BASE}{name}.SNAPSHOT.schema.json", part) for name, part in parts])
    return _validator(read_schema(f"bom-{version}.SNAPSHOT.schema.json", schemas), registry)


def _validator(schema: dict[str, object], registry: jsonschema_rs.Registry | None = None) -> jsonschema_rs.Validator:
    """Compile a schema; formats are checked, no reference is fetched, and patterns run in linear time."""
    return jsonschema_rs.validator_for(
        schema,
        validate_formats=True,
        registry=registry,
        offline=True,
    )


def _failures(validator: jsonschema_rs.Validator, document: JsonObject) -> tuple[Failure, ...]:
    return tuple(
        failure(f"schema {error.schema_path[-1]}", _pointer(error.instance_path), error.message)
        for error in validator.iter_errors(dict(document))
    )


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path) or "/"
