from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtime.flow.intake import limits
from leadtime.flow.intake.records import (
    Disclosure,
    Finding,
    FoundBy,
    Location,
    NamedFile,
    Package,
    Product,
    Report,
    ReportBody,
    ReportId,
    Reproducer,
)
from leadtime.flow.intake.rules import identity_of, name_of, parse_report, read_as_finding
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.digests import Digest, canonical_json
from leadtime.foundation.errors import Malformed
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes


def parse(**changes: object) -> ReportBody:
    return parse_report(as_bytes(a_report(**changes)))


def refusal(**changes: object) -> tuple[str, str, str]:
    with pytest.raises(Malformed) as caught:
        parse(**changes)
    return caught.value.what, caught.value.where, caught.value.next_step


def test_the_smallest_report_is_read_whole() -> None:
    assert parse() == ReportBody(
        title="Stack overflow when indenting",
        description="A deep document with a large indent writes past a buffer.",
        component=Package("pkg:pypi/ujson@5.0.0"),
        found_by=FoundBy(tool="example-fuzzer", model=None, run=None, person_reviewed=True),
        affected=(),
        cwe=None,
        locations=(),
        trust_boundary=None,
        reproducer=None,
        severity_claimed=None,
        told=(),
        disclosure=None,
        credit=(),
        reference=None,
        content=canonical_json(a_report()),
    )


def test_the_fullest_report_is_read_whole() -> None:
    full = a_report(
        component={"vendor": "Example", "product": "Router", "version": "1.2"},
        affected=[">=1.34", "<5.1.0"],
        cwe="cwe-0787",
        locations=[{"file": "lib/a.c", "function": "f", "line": 518}, {"file": "lib/b.c"}],
        trust_boundary="a document from the network",
        reproducer=a_reproducer(),
        severity_claimed="high",
        found_by={"tool": "t", "model": "m", "run": "r", "person_reviewed": False},
        told=["upstream"],
        disclosure={"date": "2026-11-01", "counted_from": "first contact"},
        credit=["Ada", "Bo"],
        reference="A-1",
    )
    assert parse_report(as_bytes(full)) == ReportBody(
        title=full["title"],
        description=full["description"],
        component=Product(vendor="Example", product="Router", version="1.2"),
        found_by=FoundBy(tool="t", model="m", run="r", person_reviewed=False),
        affected=(">=1.34", "<5.1.0"),
        cwe="CWE-787",
        locations=(Location("lib/a.c", "f", 518), Location("lib/b.c", None, None)),
        trust_boundary="a document from the network",
        reproducer=Reproducer(
            recipe=b'{"files":["run.py"],"run":"{python} run.py {input}","schema":"leadtime.recipe/1"}',
            files=(NamedFile("run.py", b"print(1)"),),
            input=NamedFile("a.json", b"[1]"),
        ),
        severity_claimed="high",
        told=("upstream",),
        disclosure=Disclosure(on=date(2026, 11, 1), counted_from="first contact"),
        credit=("Ada", "Bo"),
        reference="A-1",
        content=canonical_json(full),
    )


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.none() | st.integers() | st.text(max_size=9), max_size=4))
def test_unknown_fields_are_kept(extra: dict[str, object]) -> None:
    sent = {**extra, **a_report(), "x": {"y": [1, 2.5]}}
    kept = parse_report(as_bytes(sent)).content
    assert json.loads(kept) == sent
    assert parse_report(kept).content == kept


@given(st.binary(max_size=300))
def test_whatever_bytes_come_only_malformed_is_raised(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse_report(raw)


FIELDS = [*a_report(), "affected", "cwe", "locations", "trust_boundary", "reproducer", "severity_claimed", "told",
          "disclosure", "credit", "reference"]  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**9) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["pkg:npm/a@1", "pkg:", "CWE-1", "2026-02-30", "leadtime.recipe/1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["vendor", "product", "tool", "person_reviewed", "file", "line", "recipe", "schema", "files",
                         "input", "name", "base64", "date", "../x"]),
        inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(FIELDS), ANY_JSON)
def test_whatever_a_field_holds_only_malformed_is_raised_and_what_passes_can_be_normalised(
    name: str, value: object
) -> None:
    with contextlib.suppress(Malformed):
        read_as_finding(received(parse_report(as_bytes({**a_report(), name: value}))))


@settings(max_examples=300)
@given(st.text(alphabet="pkg:/@?#%=&.a1A-+~_ é", max_size=30))
def test_whatever_purl_comes_only_malformed_is_raised_and_what_passes_is_canonical(text: str) -> None:
    with contextlib.suppress(Malformed):
        body = parse(component="pkg:" + text)
        assert isinstance(body.component, Package)
        assert parse(component=body.component.purl).component == body.component
        read_as_finding(received(body))


@pytest.mark.parametrize("name", ["title", "description"])
def test_a_field_that_must_be_there_is_missed_by_name(name: str) -> None:
    assert refusal(**{name: None}) == ("a field is missing", f"$.{name}", "Add it.")


@pytest.mark.parametrize(
    ("changes", "what", "where"),
    [
        ({"schema": "leadtime.report/2"}, "the schema must be leadtime.report/1", "$.schema"),
        ({"schema": None}, "the schema must be leadtime.report/1", "$.schema"),
        ({"title": " "}, "this is empty", "$.title"),
        ({"title": 7}, "this must be text", "$.title"),
        ({"title": "x" * 301}, "this has more than 300 characters", "$.title"),
        ({"description": "x" * 200_001}, "this has more than 200000 characters", "$.description"),
        ({"component": None}, "a field is missing", "$.component"),
        ({"component": "ujson"}, "this is not a purl", "$.component"),
        ({"component": "pkg:pypi/" + "x" * 2040}, "this is not a purl", "$.component"),
        ({"component": {"vendor": "x"}}, "a field is missing", "$.component.product"),
        ({"component": {"product": "x"}}, "a field is missing", "$.component.vendor"),
        ({"component": {"vendor": "x", "product": "x" * 301}}, "this has more than 300 characters",
         "$.component.product"),
        ({"component": {"vendor": "x" * 301, "product": "x"}}, "this has more than 300 characters",
         "$.component.vendor"),
        ({"component": {"vendor": "x", "product": "x", "version": "x" * 301}}, "this has more than 300 characters",
         "$.component.version"),
        ({"found_by": None}, "a field is missing", "$.found_by"),
        ({"found_by": {"person_reviewed": True}}, "a field is missing", "$.found_by.tool"),
        ({"found_by": {"tool": "x" * 301, "person_reviewed": True}}, "this has more than 300 characters",
         "$.found_by.tool"),
        ({"found_by": {"tool": "t", "model": "x" * 301, "person_reviewed": True}}, "this has more than 300 characters",
         "$.found_by.model"),
        ({"found_by": {"tool": "t", "run": "x" * 301, "person_reviewed": True}}, "this has more than 300 characters",
         "$.found_by.run"),
        ({"found_by": {"tool": "t"}}, "this must be true or false", "$.found_by.person_reviewed"),
        ({"found_by": {"tool": "t", "person_reviewed": 1}}, "this must be true or false",
         "$.found_by.person_reviewed"),
        ({"affected": {"a": 1}}, "this must be a list", "$.affected"),
        ({"affected": ["x"] * 1001}, "this has more than 1000 items", "$.affected"),
        ({"affected": ["x" * 301]}, "this has more than 300 characters", "$.affected[0]"),
        ({"cwe": "787"}, "this is not a CWE", "$.cwe"),
        ({"cwe": "xCWE-787"}, "this is not a CWE", "$.cwe"),
        ({"cwe": "CWE-1234567"}, "this is not a CWE", "$.cwe"),
        ({"cwe": "x" * 301}, "this has more than 300 characters", "$.cwe"),
        ({"cwe": 0}, "this must be a whole number from 1 to 100000", "$.cwe"),
        ({"cwe": True}, "this must be a whole number from 1 to 100000", "$.cwe"),
        ({"locations": {}}, "this must be a list", "$.locations"),
        ({"locations": [{"file": "a"}, 1]}, "this must be an object", "$.locations[1]"),
        ({"locations": [{}]}, "a field is missing", "$.locations[0].file"),
        ({"locations": [{"file": "x" * 1001}]}, "this has more than 1000 characters", "$.locations[0].file"),
        ({"locations": [{"file": "a", "function": "x" * 4001}]}, "this has more than 4000 characters",
         "$.locations[0].function"),
        ({"locations": [{"file": "a", "line": 0}]}, "this must be a whole number from 1 to 100000000",
         "$.locations[0].line"),
        ({"locations": [{"file": "a"}] * 1001}, "this has more than 1000 items", "$.locations"),
        ({"trust_boundary": "x" * 10_001}, "this has more than 10000 characters", "$.trust_boundary"),
        ({"severity_claimed": True}, "this must be text", "$.severity_claimed"),
        ({"severity_claimed": "x" * 301}, "this has more than 300 characters", "$.severity_claimed"),
        ({"told": ["x", 1]}, "this must be text", "$.told[1]"),
        ({"told": ["x"] * 101}, "this has more than 100 items", "$.told"),
        ({"told": ["x" * 301]}, "this has more than 300 characters", "$.told[0]"),
        ({"credit": ["x"] * 101}, "this has more than 100 items", "$.credit"),
        ({"credit": ["x" * 301]}, "this has more than 300 characters", "$.credit[0]"),
        ({"credit": ["Ada", "B\x07b"]}, "this holds characters that are not text", "$.credit[1]"),
        ({"credit": "two\nlines"}, "this holds characters that are not text", "$.credit[0]"),
        ({"disclosure": "soon"}, "this must be an object", "$.disclosure"),
        ({"disclosure": {}}, "a field is missing", "$.disclosure.date"),
        ({"disclosure": {"date": "20261101"}}, "this must be a day", "$.disclosure.date"),
        ({"disclosure": {"date": "2026-02-30"}}, "this must be a day", "$.disclosure.date"),
        ({"disclosure": {"date": "2026-11-01", "counted_from": "x" * 301}}, "this has more than 300 characters",
         "$.disclosure.counted_from"),
        ({"reference": "x" * 201}, "this has more than 200 characters", "$.reference"),
        ({"reference": ""}, "this is empty", "$.reference"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, object], what: str, where: str) -> None:
    assert refusal(**changes)[:2] == (what, where)


def test_refusals_say_what_to_do() -> None:
    assert refusal(schema="x")[2] == "Correct it."
    assert refusal(component="x")[2] == "Write it like pkg:pypi/name@1.0, or give vendor and product."
    assert refusal(cwe="x")[2] == "Write it like CWE-787."
    assert refusal(disclosure={"date": "x"})[2] == "Write it like 2026-12-31."


def test_bounds_themselves_are_allowed() -> None:
    body = parse(
        title="x" * 300,
        description="x" * 200_000,
        cwe=100_000,
        locations=[{"file": "x" * 1000, "function": "x" * 4000, "line": 100_000_000}] * 1000,
        trust_boundary="x" * 10_000,
        told=["x" * 300] * 100,
        credit=["x" * 300] * 100,
        affected=["x" * 300] * 1000,
        reference="x" * 200,
        severity_claimed="x" * 300,
        disclosure={"date": "2026-11-01", "counted_from": "x" * 300},
        found_by={"tool": "x" * 300, "model": "x" * 300, "run": "x" * 300, "person_reviewed": True},
    )
    assert (body.cwe, len(body.locations), len(body.told), len(body.credit)) == ("CWE-100000", 1000, 100, 100)
    longest = "pkg:pypi/" + "x" * (2048 - len("pkg:pypi/"))
    assert parse(component=longest).component == Package(longest)


@pytest.mark.parametrize(("sent", "read"), [("CVSS:3.1/AV:N", "CVSS:3.1/AV:N"), (9.8, "9.8"), (7, "7"), (None, None)])
def test_a_claimed_severity_is_kept_as_text(sent: object, read: str | None) -> None:
    assert parse(severity_claimed=sent).severity_claimed == read


def test_one_text_counts_as_a_list_of_one_and_null_as_left_out() -> None:
    body = parse_report(as_bytes({**a_report(affected="<5.1.0", told="upstream", credit="Ada"), "cwe": None}))
    assert (body.affected, body.told, body.credit, body.cwe) == (("<5.1.0",), ("upstream",), ("Ada",), None)


def test_a_number_that_grows_in_canonical_spelling_does_not_pass_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = as_bytes(a_report(x=0)).replace(b'"x": 0', b'"x":1e15')
    canonical = len(parse_report(raw).content)
    monkeypatch.setattr(limits, "REPORT_BYTES_MAX", canonical)
    assert parse_report(raw).content
    monkeypatch.setattr(limits, "REPORT_BYTES_MAX", canonical - 1)
    with pytest.raises(Malformed) as caught:
        parse_report(raw)
    assert (caught.value.what, caught.value.where, caught.value.next_step) == (
        "this is too large once its numbers are spelled out",
        "$",
        "Send less.",
    )


def test_a_report_of_more_than_16_mib_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Malformed) as caught:
        parse_report(b"x" * (16 * 1024 * 1024 + 1))
    assert caught.value.what == "this is larger than 16777216 bytes"


def received(body: ReportBody) -> Report:
    return Report(
        id=ReportId(UUID(int=1)),
        organisation=OrganisationId(UUID(int=2)),
        received_at=datetime(2026, 8, 3, tzinfo=UTC),
        digest=Digest("sha256:0"),
        body=body,
    )


@pytest.mark.parametrize(
    ("component", "software", "version"),
    [
        ("pkg:pypi/Foo.Bar_baz@1.0", "pkg:pypi/foo.bar-baz", "1.0"),
        ("pkg:npm/%40scope/Name@2.0?arch=x#sub", "pkg:npm/%40scope/name", "2.0"),
        ("pkg:deb/debian/zlib", "pkg:deb/debian/zlib", None),
        ({"vendor": "EXAMPLE", "product": "Router ß", "version": "3"}, "product:example/router ss", "3"),
        ({"vendor": "EXAMPLE", "product": "Router"}, "product:example/router", None),
    ],
)
def test_a_finding_names_its_software_in_one_spelling(component: Any, software: str, version: str | None) -> None:
    finding = read_as_finding(received(parse(component=component)))
    assert (finding.software, finding.version) == (software, version)


def test_a_finding_carries_what_its_report_says() -> None:
    body = parse(cwe=787, locations=[{"file": "a.c"}], reproducer=a_reproducer())
    assert read_as_finding(received(body)) == Finding(
        report=ReportId(UUID(int=1)),
        organisation=OrganisationId(UUID(int=2)),
        title="Stack overflow when indenting",
        component=Package("pkg:pypi/ujson@5.0.0"),
        software="pkg:pypi/ujson",
        version="5.0.0",
        cwe="CWE-787",
        locations=(Location("a.c", None, None),),
        reproducer=body.reproducer,
    )


def test_a_component_is_one_line_of_text() -> None:
    assert name_of(Package("pkg:pypi/a@1")) == "pkg:pypi/a@1"
    assert name_of(Product("Example", "Router", "1.2")) == "Example Router 1.2"
    assert name_of(Product("Example", "Router", None)) == "Example Router"


def test_a_report_is_known_by_its_reference_or_else_by_its_content() -> None:
    assert identity_of("A-1", Digest("sha256:0")) == "reference:A-1"
    assert identity_of(None, Digest("sha256:0")) == "content:sha256:0"
