"""The API does what its description says, whatever is sent to it."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.doors.live import listening

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES_PER_CALL = 5


@pytest.mark.filterwarnings("default")  # the generator's own
@pytest.mark.parametrize(
    ("who", "mode"),
    [
        ("coordinator", GenerationMode.POSITIVE),
        ("coordinator", GenerationMode.NEGATIVE),
        ("operator", GenerationMode.POSITIVE),
    ],
)
def test_the_api_keeps_to_its_description(who, mode, site, world):
    with listening(site) as url:
        schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json").exclude(path="/reports/batch")
        wrong: list[str] = []
        for found in schema.get_all_operations():
            operation = found.ok()
            try:
                _hold(operation, mode, f"{url}/api/v1", world.token(who), known(world, operation.path))
            except Exception as error:  # noqa: BLE001  # every call is told, not the first alone
                wrong.append(f"{operation.method.upper()} {operation.path}: {error}")
    assert not wrong, "\n".join(wrong)


def known(world, path: str) -> dict[str, str]:
    """Ids that are there, for the names in a path, so that calls get further than "not found"."""
    values = {
        "organisation": world.people["maintainer"].organisation.id,
        "person": world.people["partner"].person.id,
        "report": world.quiet.report,
        "vulnerability": world.quiet.vulnerability,
        "case": world.quiet.case.id,
        "delivery": world.quiet.link.delivery.id,
        "found": world.told.advisory,
        "exposed": world.exposure,
    }
    return {name: str(value) for name, value in values.items() if f"{{{name}}}" in path}


def _hold(operation, mode: GenerationMode, url: str, token: str, ids: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES_PER_CALL,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case):
        if mode is GenerationMode.POSITIVE:
            case.path_parameters = {**(case.path_parameters or {}), **ids}
        answer = case.call(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    call()
