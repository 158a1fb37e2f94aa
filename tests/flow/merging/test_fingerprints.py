"""Several fingerprints a finding, so that drift and renames do not defeat them all; none names a whole file."""

from __future__ import annotations

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.intake import Finding, Location, Package, ReportId
from leadtime.flow.merging import Evidence, Frame
from leadtime.flow.merging.fingerprints import (
    CLAIMED_PLACES_MAX,
    Clue,
    FingerprintKind,
    clues_of,
    file_path,
    fingerprints_of,
    fingerprints_of_all,
    function_name,
    weakness_family,
)
from leadtime.flow.parties import OrganisationId

UJSON = "pkg:pypi/ujson"
FOUND = Clue(UJSON, "lib/ultrajsonenc.c", "Buffer_AppendIndentUnchecked", 518, "CWE-787", "sha256:5a")


def shared(a: Clue, b: Clue) -> set[FingerprintKind]:
    """What two clues have in common."""
    other = {digest for _, digest in fingerprints_of(b)}
    return {kind for kind, digest in fingerprints_of(a) if digest in other}


def of(**changed: object) -> Clue:
    values = {name: getattr(FOUND, name) for name in ("project", "file", "function", "line", "weakness", "signature")}
    return Clue(**{**values, **changed})


PLACES = {FingerprintKind.FILE_AND_FUNCTION, FingerprintKind.NAME_AND_FUNCTION}
VECTORS = {
    "itself": (of(), set(FingerprintKind)),
    "the line moved by 400": (of(line=918), set(FingerprintKind) - {FingerprintKind.LINES}),
    "another folder": (of(file="src/enc/ultrajsonenc.c"), set(FingerprintKind) - {FingerprintKind.FILE_AND_FUNCTION}),
    "the file was renamed": (of(file="lib/encoder.c"), {FingerprintKind.CRASH, FingerprintKind.FUNCTION_AND_WEAKNESS}),
    "the function was renamed": (of(function="AppendIndent", signature=""), {FingerprintKind.LINES}),
    "another id of the same weakness": (of(weakness="CWE-121"), set(FingerprintKind)),
    "the sanitizer's word": (of(weakness="stack-buffer-overflow"), set(FingerprintKind)),
    "another weakness": (of(weakness="CWE-416"), set(FingerprintKind) - {FingerprintKind.FUNCTION_AND_WEAKNESS}),
    "no function": (of(function="", signature=""), {FingerprintKind.LINES}),
    "no line, no weakness": (of(line=None, weakness="", signature=""), PLACES),
    "another spelling": (
        of(file=".\\lib\\UltraJSONenc.c", function="Buffer_AppendIndentUnchecked(char*)"),
        set(FingerprintKind),
    ),
    "only the crash": (Clue(UJSON, signature="sha256:5a"), {FingerprintKind.CRASH}),
    "another project": (of(project="pkg:pypi/orjson"), set()),
    "another crash elsewhere": (Clue(UJSON, "lib/dec.c", "decode", 40, "CWE-416", "sha256:66"), set()),
}


@pytest.mark.parametrize(("other", "met"), VECTORS.values(), ids=VECTORS)
def test_what_drift_and_renames_leave(other, met):
    assert shared(FOUND, other) == met
    assert shared(other, FOUND) == met


@given(st.integers(1, 10_000), st.integers(0, 40))
def test_lines_up_to_twelve_apart_always_meet_and_from_twentyfour_on_never(line, apart):
    lines = [Clue(UJSON, "a.c", line=each) for each in (line, line + apart)]
    if apart <= 12:
        assert shared(*lines) == {FingerprintKind.LINES}
    if apart >= 24:
        assert shared(*lines) == set()


@pytest.mark.parametrize(
    "little",
    [
        Clue(UJSON),
        Clue(UJSON, "lib/a.c"),
        Clue(UJSON, function="f"),
        Clue(UJSON, weakness="CWE-787"),
        Clue(UJSON, line=3),
    ],
)
def test_what_would_be_cheap_to_walk_through_has_no_fingerprint(little):
    assert fingerprints_of(little) == ()


def test_strongest_first_and_at_most_six():
    assert [kind for kind, _ in fingerprints_of(FOUND)] == [
        FingerprintKind.CRASH,
        FingerprintKind.FILE_AND_FUNCTION,
        FingerprintKind.NAME_AND_FUNCTION,
        FingerprintKind.FUNCTION_AND_WEAKNESS,
        FingerprintKind.LINES,
        FingerprintKind.LINES,
    ]


def test_the_spelling_is_kept_since_both_ends_compute_it():
    written = (
        b'["leadtime.held/1","FILE_AND_FUNCTION","pkg:pypi/ujson","lib/ultrajsonenc.c","Buffer_AppendIndentUnchecked"]'
    )
    assert fingerprints_of(FOUND)[1][1] == hashlib.sha256(written).digest()
    assert fingerprints_of(Clue(UJSON, "a.c", line=11)) == tuple(
        (
            FingerprintKind.LINES,
            hashlib.sha256(b'["leadtime.held/1","LINES","pkg:pypi/ujson","a.c",%d]' % window).digest(),
        )
        for window in (-1, 0)
    )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ns::Cls<std::vector<int>>::method(int, char const*)", "method"),
        ("(anonymous namespace)::parse(char*)", "parse"),
        ("parse_x.constprop.0.isra.1", "parse_x"),
        ("parse_x.cold", "parse_x"),
        ("net/http.(*conn).serve", "serve"),
        ("core::slice::index::h0123456789abcdef", "index"),
        ("Class.method", "method"),
        ("void foo<int>(int)", "foo"),
        ("Foo::operator<(Foo const&)", "operator<"),
        ("<module>", ""),
        ("  spaced ", "spaced"),
        ("x" * 600, "x" * 512),
        ("", ""),
    ],
)
def test_a_function_has_one_name_however_a_tool_spells_it(written, name):
    assert function_name(written) == name


@given(st.text(max_size=80))
def test_any_text_has_a_name_and_a_path_that_stay_what_they_are(text):
    assert file_path(file_path(text)) == file_path(text)
    assert len(function_name(text)) <= len(text)


def test_paths_and_weaknesses_have_one_spelling():
    assert file_path("./src/../Lib//a.C") == "src/lib/a.c"
    assert file_path("C:\\src\\a.c") == "c:/src/a.c"
    assert file_path("x" * 600) == "x" * 512
    assert weakness_family("cwe-122 ") == weakness_family("heap-buffer-overflow") == "bounds"
    assert weakness_family("CWE-416") == "lifetime"
    assert weakness_family("timeout") == "exhaustion"
    assert weakness_family("CWE-457") == "initialisation"
    assert weakness_family("fpe") == "arithmetic"
    assert weakness_family("CWE-79") == "cwe-79"
    assert weakness_family("") == ""


REPORT, FINDER = ReportId(UUID(int=1)), OrganisationId(UUID(int=2))


def finding(*locations: Location, cwe: str | None = "CWE-787", software: str = UJSON) -> Finding:
    return Finding(REPORT, FINDER, "t", Package(software), software, "5.0.0", cwe, locations, None)


def evidence(*frames: Frame) -> Evidence:
    return Evidence(REPORT, FINDER, UJSON, "5.0.0", None, "stack-buffer-overflow", "WRITE 1", frames)


def test_a_report_is_held_by_where_it_failed_and_by_the_places_that_it_claims():
    claimed = Location("lib/a.c", "indent", 510)
    fault = Frame("leaf", "lib/b.c", 518)
    assert clues_of(finding(claimed), evidence(fault, Frame("caller", "c.c", 1)), "sig") == (
        Clue(UJSON, "lib/b.c", "leaf", 518, "CWE-787", "sig"),
        Clue(UJSON, "lib/b.c", "leaf", 518, "stack-buffer-overflow", "sig"),
        Clue(UJSON, "lib/a.c", "indent", 510, "CWE-787"),
        Clue(UJSON, "lib/a.c", "indent", 510, "stack-buffer-overflow"),
    )


def test_a_report_that_nobody_reproduced_is_held_by_its_claims_alone():
    bare = Evidence(REPORT, FINDER, "", None, None, "", "", ())
    assert clues_of(finding(Location("a.c", None, None), cwe=None), bare, "") == (Clue(UJSON, "a.c"),)
    assert fingerprints_of_all(clues_of(finding(cwe=None), bare, "")) == frozenset()


def test_a_report_cannot_claim_a_whole_project():
    many = [Location(f"{number}.c", "f", 1) for number in range(CLAIMED_PLACES_MAX + 1)]
    places = {clue.file for clue in clues_of(finding(*many), evidence(), "")}
    assert places == {"0.c", "1.c", "2.c", "3.c"}


def test_a_report_that_names_another_project_than_it_ran_is_held_under_both():
    clues = clues_of(finding(software="pkg:generic/ujson"), evidence(Frame("leaf", "b.c", 1)), "s")
    assert [clue.project for clue in clues] == [UJSON, UJSON, "pkg:generic/ujson", "pkg:generic/ujson"]
