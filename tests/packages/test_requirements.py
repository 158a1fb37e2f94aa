from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from leadtime.foundation.errors import Malformed, Missing, Refused
from leadtime.packages import limits
from leadtime.packages.fetch import Fetcher
from leadtime.packages.releases import Release
from leadtime.packages.requirements import wheel_requirements
from tests.packages.hostile_archives import zipped
from tests.packages.registries import Registry, listed

PYTHON = "3.11.7"


class Shelf:
    """Puts wheels of small projects on a registry."""

    def __init__(self, registry: Registry, place: Path) -> None:
        self.registry = registry
        self.place = place
        self.entries: dict[str, list[dict[str, object]]] = {}

    def put(self, name: str, version: str, *needs: str, tag: str = "py3-none-any", **more: object) -> None:
        filename = f"{name}-{version}-{tag}.whl"
        content = wheel(self.place / filename, name, version, *needs).read_bytes()
        entry = listed(filename, self.registry.file(filename, content), content, **more)
        self.entries.setdefault(name, []).append(entry)
        self.registry.project(name.replace("_", "-").lower(), *self.entries[name])


def wheel(path: Path, name: str, version: str, *needs: str) -> Path:
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {each}" for each in needs),
    ]
    return zipped(path, {f"{name}-{version}.dist-info/METADATA": "\n".join(metadata).encode() + b"\n\nText"})


@pytest.fixture
def shelf(registry: Registry, tmp_path: Path) -> Shelf:
    (tmp_path / "wheels").mkdir()
    return Shelf(registry, tmp_path / "wheels")


def names(releases: tuple[Release, ...]) -> list[str]:
    return [str(each.purl).removeprefix("pkg:pypi/") for each in releases]


def test_the_newest_that_satisfies_is_taken(shelf: Shelf, fetcher: Fetcher) -> None:
    for version in ("69.5.1", "70.0.0", "9.0", "69.5.0"):
        shelf.put("setuptools", version)

    (release,) = fetcher.requirements(["setuptools<70"], python=PYTHON)

    assert (str(release.purl), release.filename) == ("pkg:pypi/setuptools@69.5.1", "setuptools-69.5.1-py3-none-any.whl")
    assert names(fetcher.requirements(["SetupTools"], python=PYTHON)) == ["setuptools@70.0.0"]


def test_only_wheels_without_machine_code_count(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("cython", "3.0", tag="cp311-cp311-linux_x86_64")
    shelf.put("cython", "2.0", tag="py2.py3-none-any")
    shelf.put("cython", "2.5", tag="py2-none-any")

    assert names(fetcher.requirements(["cython"], python=PYTHON)) == ["cython@2.0"]


def test_pre_releases_wait_until_they_are_named(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("a", "1.0")
    shelf.put("a", "2.0rc1")

    assert names(fetcher.requirements(["a"], python=PYTHON)) == ["a@1.0"]
    assert names(fetcher.requirements(["a>=2.0rc1"], python=PYTHON)) == ["a@2.0rc1"]


def test_a_yanked_file_counts_only_where_its_version_is_named(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("a", "1.0")
    shelf.put("a", "1.1", yanked="broken")

    assert names(fetcher.requirements(["a"], python=PYTHON)) == ["a@1.0"]
    assert names(fetcher.requirements(["a==1.*"], python=PYTHON)) == ["a@1.0"]
    assert names(fetcher.requirements(["a==1.1"], python=PYTHON)) == ["a@1.1"]


def test_a_wheel_must_run_on_the_python_that_is_used(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("a", "1.0", **{"requires-python": ">=3.7"})
    shelf.put("a", "2.0", **{"requires-python": ">=3.12"})
    shelf.put("a", "0.9", **{"requires-python": "nonsense"})

    assert names(fetcher.requirements(["a"], python="3.11.7")) == ["a@1.0"]
    assert names(fetcher.requirements(["a"], python="3.12.0")) == ["a@2.0"]
    assert names(fetcher.requirements(["a"], python="3.6.0")) == ["a@0.9"]


def test_needs_are_met_transitively_by_marker_and_without_extras(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("wheel", "1.0", "packaging>=24", 'tomli>1 ; python_version < "3.11"', 'pytest; extra == "test"')
    shelf.put("packaging", "24.0", "six", "wheel")
    shelf.put("packaging", "23.0")
    shelf.put("six", "1.0")
    shelf.put("tomli", "2.0")

    assert names(fetcher.requirements(["wheel"], python="3.11.0")) == ["wheel@1.0", "packaging@24.0", "six@1.0"]
    assert names(fetcher.requirements(["wheel"], python="3.10.9")) == [
        "wheel@1.0",
        "packaging@24.0",
        "tomli@2.0",
        "six@1.0",
    ]


def test_several_requirements_are_met_together(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("a", "1.0", "b")
    for version in ("1.0", "2.0", "3.0"):
        shelf.put("b", version)

    assert names(fetcher.requirements(["a", "b<3", "b>1"], python=PYTHON)) == ["a@1.0", "b@2.0"]
    assert fetcher.requirements([], python=PYTHON) == ()


def test_contradicting_needs_are_refused_with_the_way_out(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("a", "1.0", "b", "c")
    shelf.put("c", "1.0", "b<2")
    shelf.put("b", "1.0")
    shelf.put("b", "2.0")

    with pytest.raises(Refused) as caught:
        fetcher.requirements(["a"], python=PYTHON)
    assert str(caught.value) == (
        "pkg:pypi/b@2.0: two requirements want different versions of b. Add a requirement for b that meets both."
    )
    assert names(fetcher.requirements(["a", "b<2"], python=PYTHON)) == ["a@1.0", "b@1.0", "c@1.0"]


def test_nothing_that_satisfies_is_missing(shelf: Shelf, fetcher: Fetcher) -> None:
    shelf.put("a", "1.0")

    for text, shown in (("a>1", "a>1"), ("Not.There", "not-there")):
        with pytest.raises(Missing) as caught:
            fetcher.requirements([text], python=PYTHON)
        assert str(caught.value) == (
            f"{shown}: no wheel without machine code satisfies this requirement. Loosen it, or name another project."
        )


def test_the_first_index_that_has_a_fitting_wheel_is_taken(
    shelf: Shelf, other: Registry, tmp_path: Path, fetcher_for: Callable[..., Fetcher]
) -> None:
    (tmp_path / "more").mkdir()
    confusing = Shelf(other, tmp_path / "more")
    shelf.put("a", "1.0")
    confusing.put("a", "99")

    fetcher = fetcher_for(shelf.registry, other)
    assert names(fetcher.requirements(["a"], python=PYTHON)) == ["a@1.0"]
    assert names(fetcher.requirements(["a>1"], python=PYTHON)) == ["a@99"]


@pytest.mark.parametrize(
    ("text", "family", "what"),
    [
        ("", Malformed, "this is not a requirement"),
        ("--index-url=http://x", Malformed, "this is not a requirement"),
        ("a b", Malformed, "this is not a requirement"),
        ("a" * 201, Malformed, "a requirement has at most 200 characters"),
        ("a @ http://x/a.whl", Refused, "a requirement with an address or with extras is not fetched"),
        ("a[b]", Refused, "a requirement with an address or with extras is not fetched"),
    ],
)
def test_what_is_no_plain_requirement_is_refused(
    fetcher: Fetcher, registry: Registry, text: str, family: type[Malformed | Refused], what: str
) -> None:
    with pytest.raises(family) as caught:
        fetcher.requirements([text], python=PYTHON)

    assert (caught.value.where, caught.value.what) == ("requirement", what)
    assert registry.asked == []


def test_the_number_of_wheels_is_bounded(shelf: Shelf, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put("a", "1.0", "b")
    shelf.put("b", "1.0")
    monkeypatch.setattr(limits, "RESOLVED_WHEELS_MAX", 2)
    assert len(fetcher.requirements(["a"], python=PYTHON)) == 2
    monkeypatch.setattr(limits, "RESOLVED_WHEELS_MAX", 1)

    with pytest.raises(Refused) as caught:
        fetcher.requirements(["a"], python=PYTHON)
    assert caught.value.what == "the requirements need more than 1 wheels"


class TestHostileWheels:
    def refusal(self, path: Path) -> str:
        with pytest.raises((Malformed, Refused)) as caught:
            wheel_requirements(path, python=PYTHON, where="a.whl")
        assert caught.value.where == "a.whl"
        return caught.value.what

    def test_what_is_no_zip(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"no zip")

        assert self.refusal(tmp_path / "a") == "the wheel is broken (BadZipFile)"

    @pytest.mark.parametrize(
        "members", [[], ["METADATA"], ["a.dist-info/METADATA", "b.dist-info/METADATA"], ["a/METADATA"]]
    )
    def test_no_metadata_or_two(self, tmp_path: Path, members: list[str]) -> None:
        path = zipped(tmp_path / "a", dict.fromkeys(members, b""))

        assert self.refusal(path) == "the wheel has not exactly one METADATA"

    def test_metadata_without_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "METADATA_BYTES_MAX", 1_000)
        path = zipped(tmp_path / "a", {"a.dist-info/METADATA": b"x" * 1_001})

        assert self.refusal(path) == "the wheel's metadata has more than 1000 bytes"

    def test_needs_without_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "REQUIREMENTS_MAX", 2)

        assert len(wheel_requirements(wheel(tmp_path / "a", "a", "1", "b", "c"), python=PYTHON, where="")) == 2
        assert self.refusal(wheel(tmp_path / "b", "a", "1", "b", "c", "d")) == "a wheel needs more than 2 others"

    @pytest.mark.parametrize("need", ["b c d", 'b; nonsense == "1"'])
    def test_a_need_that_cannot_be_read(self, tmp_path: Path, need: str) -> None:
        path = wheel(tmp_path / "a", "a", "1", need)

        assert self.refusal(path) == "the wheel's metadata holds an unreadable requirement"

    def test_a_need_that_names_an_address(self, tmp_path: Path) -> None:
        path = wheel(tmp_path / "a", "a", "1", "b @ http://127.0.0.1/b.whl")

        assert self.refusal(path) == "a requirement with an address or with extras is not fetched"

    def test_a_central_directory_that_would_fill_the_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = wheel(tmp_path / "a", "a", "1")
        with zipfile.ZipFile(path, "a") as opened:
            for number in range(100):
                opened.writestr(f"{number}", b"")
        monkeypatch.setattr(limits, "CENTRAL_DIRECTORY_BYTES_MAX", 4_000)

        assert self.refusal(path) == "the archive's directory takes more than 4000 bytes"
