from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from leadtime.doors import schemas
from leadtime.doors.schemas import fetch_schemas, missing_schemas
from leadtime.formats.schemas import Pin
from leadtime.foundation.digests import digest_of, digest_of_file
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.packages.downloads import open_client
from leadtime.packages.fetch import Fetcher
from leadtime.packages.indexes import read_indexes
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Release

CONTENT = b'{"type": "object"}'


class OneWheel:
    """A fetcher that has one wheel."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.asked = 0

    def release(self, purl: Purl, *, wheel: bool) -> Release:
        assert wheel
        self.asked += 1
        return Release(purl, self.wheel, digest_of_file(self.wheel), self.wheel.name, None)


@pytest.fixture
def fetcher(tmp_path: Path) -> OneWheel:
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("a/schema.json", CONTENT)
    return OneWheel(path)


def pin(fetcher: OneWheel, **changes: str) -> Mapping[str, Pin]:
    plain = {
        "wheel": "pkg:pypi/a@1",
        "wheel_digest": digest_of_file(fetcher.wheel),
        "member": "a/schema.json",
        "digest": digest_of(CONTENT),
    }
    return {"a.schema.json": Pin(**{**plain, **changes})}  # type: ignore[arg-type]


def test_missing_schemas_are_fetched_once(tmp_path: Path, fetcher: OneWheel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "PINS", pin(fetcher))
    directory = tmp_path / "new" / "vendor"
    assert fetch_schemas(fetcher, directory) == 1  # type: ignore[arg-type]
    assert [each.name for each in directory.iterdir()] == ["a.schema.json"]
    assert (directory / "a.schema.json").read_bytes() == CONTENT
    assert (fetch_schemas(fetcher, directory), fetcher.asked) == (0, 1)  # type: ignore[arg-type]
    (directory / "a.schema.json").write_bytes(b"{}")
    assert list(missing_schemas(directory)) == ["a.schema.json"]
    assert fetch_schemas(fetcher, directory) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["wheel_digest", "digest"])
def test_another_package_or_schema_than_the_pinned_one_is_not_kept(
    tmp_path: Path, fetcher: OneWheel, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(schemas, "PINS", pin(fetcher, **{part: "sha256:" + "0" * 64}))
    with pytest.raises(Refused, match="is not the pinned one"):
        fetch_schemas(fetcher, tmp_path / "vendor")  # type: ignore[arg-type]
    assert not (tmp_path / "vendor").exists()


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, fetcher: OneWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "PINS", pin(fetcher))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="the schema cannot be kept"):
        fetch_schemas(fetcher, tmp_path / "file" / "vendor")  # type: ignore[arg-type]


@pytest.mark.fetch
def test_every_pin_is_what_the_index_has(tmp_path: Path) -> None:
    with open_client(os.environ) as client:
        fetcher = Fetcher(tmp_path / "releases", read_indexes(os.environ), client)
        assert fetch_schemas(fetcher, tmp_path / "vendor") == len(schemas.PINS)
    assert missing_schemas(tmp_path / "vendor") == {}
