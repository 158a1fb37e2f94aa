from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.formats import inventories, limits
from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent, recognise_form
from leadtime.formats.inventory_reading import read_inventory
from leadtime.foundation.errors import Malformed


def read(raw: bytes | str | object) -> InventoryListing:
    if isinstance(raw, bytes):
        return read_inventory(raw)
    return read_inventory((raw if isinstance(raw, str) else json.dumps(raw)).encode())


def test_a_cyclonedx_bill_lists_nested_components_and_the_product_itself() -> None:
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"name": "portal", "version": "1", "purl": "pkg:pypi/portal@1"}},
        "components": [
            {
                "type": "library",
                "name": "a",
                "version": "1",
                "purl": "pkg:npm/a@1",
                "bom-ref": "a",
                "components": [{"name": "b", "group": "org", "version": "2"}, {"name": "c"}],
            },
            {"type": "library", "name": "d", "version": ""},
        ],
        "dependencies": [{"ref": "a", "dependsOn": ["b"]}, {"ref": "b", "dependsOn": ["a"]}],
    }
    assert read(bom) == InventoryListing(
        InventoryForm.CYCLONEDX,
        (
            ListedComponent("$.metadata.component", "portal", "1", "pkg:pypi/portal@1"),
            ListedComponent("$.components[0]", "a", "1", "pkg:npm/a@1"),
            ListedComponent("$.components[0].components[0]", "org/b", "2"),
            ListedComponent("$.components[0].components[1]", "c", None),
            ListedComponent("$.components[1]", "d", None),
        ),
    )


def test_a_bill_without_components_is_empty() -> None:
    assert read({"bomFormat": "CycloneDX", "metadata": {"component": {"name": "x"}}}).components == ()
    assert read({"bomFormat": "CycloneDX", "metadata": 1}).components == ()


def test_a_bill_with_a_byte_order_mark_is_read() -> None:
    assert read(b'\xef\xbb\xbf{"bomFormat": "CycloneDX"}').form is InventoryForm.CYCLONEDX


def test_a_hundred_thousand_components_are_read() -> None:
    bom = {"bomFormat": "CycloneDX", "components": [{"name": f"n{each}", "version": "1"} for each in range(100_000)]}
    assert len(read(bom).components) == 100_000


def test_too_many_components_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventories, "COMPONENTS_MAX", 2)
    three = {"bomFormat": "CycloneDX", "components": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    with pytest.raises(Malformed, match="at most 2 components"):
        read(three)
    assert len(read({**three, "components": three["components"][:2]}).components) == 2


def test_deeply_nested_components_are_refused() -> None:
    component: dict[str, object] = {"name": "x"}
    for _ in range(limits.INVENTORY.depth_max):
        component = {"name": "x", "components": [component]}
    with pytest.raises(Malformed, match="nested more than"):
        read({"bomFormat": "CycloneDX", "components": [component]})


def test_pip_freeze_lists_pinned_packages_and_those_without_a_version() -> None:
    text = """# comment

ujson==5.1.0
Foo.Bar_baz==1.0+local
extra[speed, x] == 2 ; python_version < "3.12"
arbitrary===2004d
hashed==1.2 \\
    --hash=sha256:00
-r other.txt
--index-url https://example.invalid/simple
-e git+https://example.invalid/x.git@abc#egg=edited&subdirectory=y
-e .
wheel @ file:///tmp/wheel.whl
ranged>=2,<3
wild==1.*
bare
commented==3  # because
"""
    assert [(each.where, each.name, each.version, each.ecosystem) for each in read(text).components] == [
        ("line 3", "ujson", "5.1.0", "PyPI"),
        ("line 4", "Foo.Bar_baz", "1.0+local", "PyPI"),
        ("line 5", "extra", "2", "PyPI"),
        ("line 6", "arbitrary", "2004d", "PyPI"),
        ("line 7", "hashed", "1.2", "PyPI"),
        ("line 11", "edited", None, "PyPI"),
        ("line 12", "(an editable install)", None, "PyPI"),
        ("line 13", "wheel", None, "PyPI"),
        ("line 14", "ranged", None, "PyPI"),
        ("line 15", "wild", None, "PyPI"),
        ("line 16", "bare", None, "PyPI"),
        ("line 17", "commented", "3", "PyPI"),
    ]


@pytest.mark.parametrize("line", ["!!", "a b", "==1", "<html>"])
def test_what_is_not_a_line_of_pip_freeze_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read(f"ujson==1\n{line}\n")
    assert (refusal.value.where, refusal.value.what) == ("line 2", "this is not a line of pip freeze")


def test_a_line_that_is_too_long_is_refused() -> None:
    with pytest.raises(Malformed, match="a line has at most 10000 characters"):
        read("a" * 10_001)


def test_a_lock_file_of_version_3_lists_installed_packages_by_their_real_names() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "me", "version": "1"},
            "node_modules/a": {"version": "1.0.0"},
            "node_modules/@s/b": {"version": "2.0.0-beta.1"},
            "node_modules/a/node_modules/b": {"version": "3"},
            "node_modules/alias": {"name": "real", "version": "4"},
            "node_modules/linked": {"link": True, "resolved": "packages/x"},
            "packages/x": {"version": "1"},
            "node_modules/git": {"version": "git+ssh://git@example.invalid/x.git#abc"},
            "node_modules/none": {},
        },
    }
    listing = read(lock)
    assert listing.form is InventoryForm.PACKAGE_LOCK
    assert [(each.name, each.version, each.ecosystem) for each in listing.components] == [
        ("a", "1.0.0", "npm"),
        ("@s/b", "2.0.0-beta.1", "npm"),
        ("b", "3", "npm"),
        ("real", "4", "npm"),
        ("git", None, "npm"),
        ("none", None, "npm"),
    ]


def test_a_lock_file_of_version_1_lists_dependencies_of_dependencies() -> None:
    lock = {
        "lockfileVersion": 1,
        "dependencies": {
            "a": {"version": "1.0.0", "dependencies": {"@s/b": {"version": "npm:@t/c@2.0.0"}}},
            "f": {"version": "file:x.tgz"},
        },
    }
    assert sorted((each.name, each.version) for each in read(lock).components if each.version) == [
        ("@t/c", "2.0.0"),
        ("a", "1.0.0"),
    ]
    assert [each.name for each in read(lock).components if each.version is None] == ["f"]


def test_a_lock_file_without_anything_is_empty() -> None:
    assert read({"lockfileVersion": 1}).components == ()
    assert read({"lockfileVersion": 2, "packages": {}, "dependencies": {"a": {"version": "1"}}}).components == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_is_read_with_any_separator(separator: str) -> None:
    rows = [["Ecosystem", " name", "VERSION", "note"], ["PyPI", "ujson", "5.0.0", "x"], ["", '"a"', "", ""], []]
    text = "\n".join(separator.join(row) for row in rows) + "\n" + separator * 3
    assert read(text) == InventoryListing(
        InventoryForm.CSV,
        (
            ListedComponent("line 2", "ujson", "5.0.0", None, "PyPI"),
            ListedComponent("line 3", "a", None, None, None),
        ),
    )


def test_a_csv_may_name_components_by_purl() -> None:
    assert read("purl\npkg:npm/a@1\n").components == (ListedComponent("line 2", "", None, "pkg:npm/a@1"),)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("name,version\na\n", "line 2", "this row has 1 cells and the header 2"),
        ("name,version\n,1\n", "line 2", "this row names no component"),
        ("name,version,name\na,1,b\n", "line 1", "a column stands twice"),
        ('name,version\n"a,1\n', "line 2", "this row is not CSV"),
    ],
)
def test_a_csv_that_cannot_be_meant_is_refused_with_its_line(text: str, where: str, what: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read(text)
    assert (refusal.value.where, refusal.value.what) == (where, what)


@pytest.mark.parametrize(
    ("text", "what"),
    [("", "this CSV is empty"), ("a,b\n1,2\n", "the first line does not name the columns name and version, or purl")],
)
def test_a_csv_without_its_columns_is_refused(text: str, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        read_inventory(text.encode(), InventoryForm.CSV)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (b'{"bomFormat": "CycloneDX"}', InventoryForm.CYCLONEDX),
        (b' \n{"lockfileVersion": 3}', InventoryForm.PACKAGE_LOCK),
        (b"name,version\n", InventoryForm.CSV),
        (b'\xef\xbb\xbf"Version";"Name"\n', InventoryForm.CSV),
        (b"purl\n", InventoryForm.CSV),
        (b"name==1\n", InventoryForm.PIP_FREEZE),
        (b"", InventoryForm.PIP_FREEZE),
        (b"# name, version\n", InventoryForm.PIP_FREEZE),
        (b"ranged>=2,<3\n", InventoryForm.PIP_FREEZE),
        (b"name\n", InventoryForm.PIP_FREEZE),
        (b"Package;Installed\n", InventoryForm.CSV),
        (b"ujson,5.0.0\n", InventoryForm.CSV),
        (b'{"packages": {}, "lockfileVersion": 2}', InventoryForm.PACKAGE_LOCK),
    ],
)
def test_a_form_is_recognised_by_how_it_begins(raw: bytes, form: InventoryForm) -> None:
    assert recognise_form(raw) is form


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"{}", "this JSON is neither CycloneDX nor a package-lock.json"),
        (b"[]", "this JSON is neither CycloneDX nor a package-lock.json"),
        (b" null \n", "this JSON is neither CycloneDX nor a package-lock.json"),
        (b'{"spdxVersion": "SPDX-2.3"}', "this is SPDX, which is not read here"),
        (b"SPDXVersion: SPDX-2.3\n", "this is SPDX, which is not read here"),
        (b'<?xml version="1.0"?><bom/>', "this is XML or HTML; CycloneDX is read as JSON"),
    ],
)
def test_what_is_no_inventory_that_is_read_is_refused_by_what_it_is(raw: bytes, what: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_inventory(raw)
    assert (refusal.value.where, refusal.value.what, refusal.value.next_step) == (
        "$",
        what,
        "Give one of CycloneDX JSON, pip freeze, package-lock.json, CSV.",
    )


def test_a_csv_without_a_header_is_told_to_begin_with_one() -> None:
    with pytest.raises(Malformed) as refusal:
        read("ujson,5.0.0\n")
    assert str(refusal.value) == (
        "line 1: the first line does not name the columns name and version, or purl. "
        "Begin with a line like name,version,ecosystem."
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_that_windows_wrote_as_utf_16_is_read(encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    assert [each.name for each in read(f"{mark}ujson==5.0.0\r\n".encode(encoding)).components] == ["ujson"]
    with pytest.raises(Malformed, match="this begins as UTF-16 and is not"):
        read(b"\xff\xfea")


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("Package,Installed Version,Package Manager", "ujson,5.0.0,pip", ("ujson", "5.0.0", None, "pip")),
        ("Component,VERSION,Type", "ujson,5.0.0,python", ("ujson", "5.0.0", None, "python")),
        ("package_name,package_version,package-manager", "ujson,5.0.0,npm", ("ujson", "5.0.0", None, "npm")),
        ("name,version,type,ecosystem", "ujson,5.0.0,library,PyPI", ("ujson", "5.0.0", None, "PyPI")),
        ("Package URL,name", "pkg:pypi/ujson@5.0.0,u", ("u", None, "pkg:pypi/ujson@5.0.0", None)),
    ],
)
def test_columns_may_be_called_as_people_call_them(header: str, row: str, expected: tuple[str | None, ...]) -> None:
    (found,) = read(f"{header}\n{row}\n").components
    assert (found.name, found.version, found.purl, found.ecosystem) == expected


def test_a_component_of_a_lock_file_is_named_by_its_place() -> None:
    lock = {"lockfileVersion": 3, "packages": {"": {}, 'node_modules/a"b': {"version": "1"}}}
    assert [each.where for each in read(lock).components] == ['$.packages["node_modules/a\\"b"]']
    nested = {"a": {"version": "1", "dependencies": {"b": {"version": 2}}}}
    with pytest.raises(Malformed) as refusal:
        read({"lockfileVersion": 1, "dependencies": nested})
    assert refusal.value.where == '$.dependencies["a"].dependencies["b"].version'
    (long,) = read({"lockfileVersion": 1, "dependencies": {"x" * 1_000: {"version": "1"}}}).components
    assert len(long.where) == 500


@pytest.mark.parametrize(
    ("form", "raw", "what"),
    [
        (InventoryForm.CYCLONEDX, b'{"bomFormat": "x"}', "this is not CycloneDX"),
        (InventoryForm.PACKAGE_LOCK, b'{"lockfileVersion": "3"}', r"this is not a package-lock\.json"),
        (InventoryForm.CYCLONEDX, b'{"bomFormat": "CycloneDX", "components": 1}', "a list is expected"),
        (InventoryForm.CYCLONEDX, b'{"bomFormat": "CycloneDX", "components": [1]}', "an object is expected"),
        (InventoryForm.CYCLONEDX, b'{"bomFormat": "CycloneDX", "components": [{"name": 1}]}', "text is expected"),
        (InventoryForm.PIP_FREEZE, b"\xff", "this is not UTF-8"),
    ],
)
def test_a_broken_inventory_is_refused(form: InventoryForm, raw: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        read_inventory(raw, form)


@pytest.mark.parametrize(
    "component", [{"name": "x" * 1_001}, {"name": "x", "version": "1" * 1_001}, {"name": "x", "purl": "p" * 1_001}]
)
def test_a_component_with_an_endless_text_is_refused(component: dict[str, str]) -> None:
    with pytest.raises(Malformed, match="at most 1000 characters"):
        read({"bomFormat": "CycloneDX", "components": [component]})


def test_an_inventory_that_is_too_large_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventories, "INVENTORY_BYTES_MAX", 10)
    assert read(b"ujson==1.0").components
    with pytest.raises(Malformed, match="an inventory has at most 10 bytes"):
        read(b"ujson==1.00")


def test_an_inventory_of_endless_lines_is_refused_before_it_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventories, "LINES_MAX", 2)
    assert len(read(b"a==1\r\nb==1\r\nc==1").components) == 3
    with pytest.raises(Malformed, match="an inventory has at most 2 lines"):
        read(b"a==1\nb==1\nc==1\n")


@given(st.binary(max_size=300), st.sampled_from(InventoryForm))
def test_any_bytes_are_read_or_refused(raw: bytes, form: InventoryForm) -> None:
    with suppress(Malformed):
        read_inventory(raw, form)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for form in (InventoryForm.PIP_FREEZE, InventoryForm.CSV):
        with suppress(Malformed):
            read_inventory(text.encode("utf-8", "replace"), form)
