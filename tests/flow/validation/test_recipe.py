"""Reading a recipe: what it means, and one sentence for whatever it must not say."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.acts.records import ExitCodes
from leadtime.flow.validation.recipe import (
    RECIPE_BYTES_MAX,
    Recipe,
    RecipeLimits,
    fill,
    parse_recipe,
)
from leadtime.flow.validation.records import Oracle
from leadtime.foundation.errors import Malformed, Refused
from leadtime.packages.purls import parse_purl

SMALLEST = {
    "schema": "leadtime.recipe/1",
    "subject": {"vulnerable": "pkg:pypi/ujson@5.0.0"},
    "run": "./target {input}",
    "oracle": "sanitizer",
}

USE = "Use {}; write other braces with a space inside."
CODES = "$.exit.{}: these must be exit codes, from 0 to 255. Write them like [3]."
BEFORE = "Set it in the run command, before the program's name."


def parse(**changes: object) -> Recipe:
    return parse_recipe(json.dumps({**SMALLEST, **changes}).encode())


def test_the_smallest_recipe_has_its_defaults() -> None:
    assert parse() == Recipe(
        vulnerable=parse_purl("pkg:pypi/ujson@5.0.0", where=""),
        fixed=None,
        files=(),
        needs_pypi=(),
        needs_debian=(),
        build=(),
        run="./target {input}",
        env=(),
        oracle=Oracle.SANITIZER,
        control=None,
        limits=RecipeLimits(build_s=600, run_s=60, memory_mib=2048),
    )


def test_a_whole_recipe_is_read_and_what_is_unknown_is_passed_over() -> None:
    recipe = parse(
        subject={"vulnerable": "pkg:npm/%40a/b@1", "fixed": "pkg:npm/%40a/b@2", "note": "x"},
        files=["a.c", "deep/b.h"],
        needs={"pypi": ["setuptools<70", "wheel"], "debian": ["zlib1g-dev"], "other": 1},
        build=["cd {src} && {python} setup.py", "echo ${HOME} {a,b} '{ print }' {site}"],
        env={"B": "2", "A": ""},
        oracle="hang",
        control="ok.sql",
        limits={"build_s": 3600, "run_s": 1, "memory_mib": 16384},
        comment="unknown",
    )

    assert (str(recipe.vulnerable), str(recipe.fixed)) == ("pkg:npm/%40a/b@1", "pkg:npm/%40a/b@2")
    assert (recipe.files, recipe.control) == (("a.c", "deep/b.h"), "ok.sql")
    assert (recipe.needs_pypi, recipe.needs_debian) == (("setuptools<70", "wheel"), ("zlib1g-dev",))
    assert recipe.env == (("A", ""), ("B", "2"))
    assert (recipe.oracle, recipe.limits) == (Oracle.HANG, RecipeLimits(3600, 1, 16384))
    assert (recipe.uses("site"), recipe.uses("src"), recipe.uses("input")) == (True, True, True)
    assert not parse().uses("src")


def test_placeholders_become_places() -> None:
    places = {"src": "/box/src", "site": "/box/site", "python": "/usr/bin/python3", "input": "/box/input/a"}

    assert fill("{src}/a {src} ${src} {x,y} {input}", places) == "/box/src/a /box/src ${src} {x,y} /box/input/a"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": "other/1"}, "$.schema: the schema must be leadtime.recipe/1. Correct it."),
        ({"subject": None}, "$.subject: a field is missing. Add it."),
        ({"subject": []}, "$.subject: this must be an object. Write it in braces."),
        ({"subject": {}}, "$.subject.vulnerable: this must be text that is not empty. Fill it in."),
        (
            {"subject": {"vulnerable": "pkg:pypi/ujson"}},
            "$.subject.vulnerable: a release needs a version. Add one, like pkg:pypi/name@1.0.",
        ),
        ({"files": "a"}, "$.files: this must be a list. Write it in brackets."),
        ({"files": ["a", "a"]}, "$.files: a file stands twice. Name it once."),
        ({"files": ["a"] * 65}, "$.files: this has more than 64 items. Write fewer."),
        ({"build": [1]}, "$.build[0]: this must be text that is not empty. Fill it in."),
        ({"build": ["x" * 20001]}, "$.build[0]: this has more than 20000 characters. Shorten it."),
        ({"build": ["a\0"]}, "$.build[0]: this holds a NUL character. Remove it."),
        ({"run": " "}, "$.run: this must be text that is not empty. Fill it in."),
        (
            {"run": "{where}"},
            "$.run: {where} is not a placeholder here. " + USE.format("{input}, {python}, {site}, {src}"),
        ),
        (
            {"build": ["cat {input}"]},
            "$.build[0]: {input} is not a placeholder here. " + USE.format("{python}, {site}, {src}"),
        ),
        (
            {"env": {"A=": "x"}},
            "$.env.(a name that is not plain): this is no environment variable. Write name and text.",
        ),
        ({"env": {"A": 1}}, "$.env.A: this is no environment variable. Write name and text."),
        ({"env": {"A": "x" * 4001}}, "$.env.A: this has more than 4000 characters. Shorten it."),
        ({"env": {f"A{n}": "" for n in range(51)}}, "$.env: this has more than 50 members. Set fewer."),
        (
            {"env": {"LD_PRELOAD": "x.so"}},
            "$.env.LD_PRELOAD: this variable would also change the programs around the target. " + BEFORE,
        ),
        (
            {"oracle": "sanitiser"},
            "$.oracle: the oracle must be one of sanitizer, hang, exception, exit, canary. Correct it.",
        ),
        ({"limits": {"run_s": 0}}, "$.limits.run_s: this must be a whole number from 1 to 600. Correct it."),
        ({"limits": {"run_s": 601}}, "$.limits.run_s: this must be a whole number from 1 to 600. Correct it."),
        ({"limits": {"run_s": True}}, "$.limits.run_s: this must be a whole number from 1 to 600. Correct it."),
        ({"limits": {"build_s": 3601}}, "$.limits.build_s: this must be a whole number from 1 to 3600. Correct it."),
        (
            {"limits": {"memory_mib": 1.5}},
            "$.limits.memory_mib: this must be a whole number from 1 to 16384. Correct it.",
        ),
        (
            {"needs": {"pypi": ["-r evil"]}},
            "$.needs.pypi[0]: this is not the name of a package. Write it like setuptools<70.",
        ),
        (
            {"needs": {"debian": ["../x"]}},
            "$.needs.debian[0]: this is not the name of a package. Write it like setuptools<70.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(Malformed) as refusal:
        parse(**changes)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "./a", "a//b", "a\\b", "..", "a\nb", "c:\\a", "a/"])
@pytest.mark.parametrize("member", ["files", "control"])
def test_nothing_points_outside_the_folder(name: str, member: str) -> None:
    with pytest.raises(Malformed) as refusal:
        parse(**{member: [name] if member == "files" else name})
    assert refusal.value.what == "this points outside the recipe's folder or is no plain name"


@pytest.mark.parametrize("oracle", list(Oracle))
def test_every_oracle_has_an_observer_and_exit_codes_are_its_own(oracle: Oracle) -> None:
    recipe = parse(oracle=oracle.value, exit={"vulnerable": [3, 1, 3], "fixed": [0]})

    assert recipe.oracle is oracle
    assert recipe.exits == (ExitCodes((1, 3), (0,)) if oracle is Oracle.EXIT else None)


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (None, "$.exit: a field is missing. Add it."),
        ({"vulnerable": [1]}, CODES.format("fixed")),
        ({"vulnerable": [], "fixed": [0]}, CODES.format("vulnerable")),
        ({"vulnerable": [256], "fixed": [0]}, CODES.format("vulnerable")),
        ({"vulnerable": [255], "fixed": [-1]}, CODES.format("fixed")),
        ({"vulnerable": [True], "fixed": [0]}, CODES.format("vulnerable")),
        ({"vulnerable": ["1"], "fixed": [0]}, CODES.format("vulnerable")),
        (
            {"vulnerable": [0, 1], "fixed": [1]},
            "$.exit: an exit code cannot mean both that the flaw shows and that it does not. Name it on one side.",
        ),
    ],
)
def test_exit_codes_that_say_nothing_are_refused(codes: object, sentence: str) -> None:
    with pytest.raises(Malformed) as refusal:
        parse(oracle="exit", exit=codes)
    assert str(refusal.value) == sentence


def test_a_kind_of_release_that_is_not_fetched_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        parse(subject={"vulnerable": "pkg:cargo/x@1"})
    assert refusal.value.what == "releases of type cargo are not fetched"


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"\xff", "this is not UTF-8"),
        (b"{", "this is not JSON"),
        (b"[]", "this must be an object"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "this is nested more than 16 levels deep"),
        (b" " * (RECIPE_BYTES_MAX + 1), f"this is larger than {RECIPE_BYTES_MAX} bytes"),
        (b'{"schema": "leadtime.recipe/1", "schema": "x"}', "a name stands twice in one object"),
    ],
)
def test_bytes_that_are_no_recipe_are_refused(raw: bytes, what: str) -> None:
    with pytest.raises(Malformed) as refusal:
        parse_recipe(raw)
    assert refusal.value.what == what


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    changes=st.dictionaries(st.sampled_from([*SMALLEST, "files", "needs", "build", "env", "control", "limits"]), JSON)
)
def test_any_member_of_any_type_is_read_or_refused(changes: dict[str, object]) -> None:
    with suppress(Malformed, Refused):
        assert parse(**changes).run


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_recipe(raw)
