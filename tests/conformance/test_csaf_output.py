"""Everything that is written as CSAF passes BSI's validator: the schema and every mandatory test."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from leadtime.formats.advisories import AdvisoryDocument
from leadtime.formats.csaf import write_csaf
from leadtime.formats.weaknesses import NAMES
from tests.conformance.conftest import Validator
from tests.formats.factories import a_document, documents

MANDATORY_TESTS_AND_SCHEMA = 44


def test_a_published_advisory_passes_the_schema_and_every_mandatory_test(validator: Validator) -> None:
    verdict = validator.verdict(write_csaf(a_document()))
    assert verdict == {"valid": True, "tests": MANDATORY_TESTS_AND_SCHEMA, "failed": []}


def test_a_broken_advisory_does_not(validator: Validator) -> None:
    broken = write_csaf(a_document()).replace(b'"version": "1"', b'"version": "2"')
    verdict = validator.verdict(broken)
    assert verdict["valid"] is False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents())
def test_every_advisory_passes(validator: Validator, document: AdvisoryDocument) -> None:
    verdict = validator.verdict(write_csaf(document))
    assert verdict["failed"] == []


@pytest.mark.parametrize("part", range(4))
def test_every_weakness_has_its_official_name(validator: Validator, part: int) -> None:
    for cwe in sorted(NAMES)[part::4]:
        verdict = validator.verdict(write_csaf(replace(a_document(), cwes=(cwe,))))
        assert (cwe, verdict["failed"]) == (cwe, [])
