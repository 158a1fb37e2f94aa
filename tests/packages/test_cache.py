"""Fetched archives have a bound: the least recently used give way, and none that anybody uses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadtime.foundation.digests import digest_of
from leadtime.packages import limits
from leadtime.packages.cache import INCOMING, ReleaseCache
from leadtime.packages.purls import parse_purl
from leadtime.packages.releases import Form, Release
from tests.conftest import SettableClock

BYTES = 100
BYTES_MAX = 3 * BYTES

Open = Callable[[], ReleaseCache]


@pytest.fixture
def opened(tmp_path: Path, clock: SettableClock) -> Iterator[Open]:
    made: list[ReleaseCache] = []

    def make() -> ReleaseCache:
        made.append(ReleaseCache(tmp_path, source="an index", bytes_max=BYTES_MAX, clock=clock))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


def purl(name: str):
    return parse_purl(f"pkg:pypi/{name}@1.0", where="")


def keep(cache: ReleaseCache, clock: SettableClock, *names: str) -> None:
    for name in names:
        clock.advance(seconds=1)
        content = name.encode() * BYTES
        digest = digest_of(content)
        with cache.incoming() as stream:
            stream.write(content)
            archive = cache.keep(stream, digest)
        cache.note(Release(purl(name), archive, digest, name, None), Form.SOURCE)


def held(cache: ReleaseCache, names: str) -> str:
    """Return which of the releases are still there, without using them."""
    there = {path.read_bytes()[:1].decode() for path in cache._objects.iterdir()}
    return "".join(name for name in names if name in there)


def test_the_least_recently_used_archives_give_way(opened: Open, clock: SettableClock) -> None:
    cache = opened()
    keep(cache, clock, *"abc")
    assert held(cache, "abc") == "abc"
    clock.advance(seconds=1)
    assert cache.find(purl("a"), Form.SOURCE) is not None
    cache.close()

    keep(cache, clock, "d")

    assert held(cache, "abcd") == "acd"
    assert cache.find(purl("b"), Form.SOURCE) is None
    keep(cache, clock, "b")
    assert cache.find(purl("b"), Form.SOURCE) is not None


def test_what_anybody_uses_stays_until_they_are_done_with_it(opened: Open, clock: SettableClock) -> None:
    one, other = opened(), opened()
    keep(one, clock, "a")
    keep(other, clock, "b")
    assert other.find(purl("a"), Form.SOURCE) is not None
    one.close()

    keep(one, clock, *"cdef")
    assert held(one, "abcdef") == "abcdef"
    other.close()
    one.evict()
    assert held(one, "abcdef") == "cdef"
    one.close()
    one.evict()
    assert held(one, "abcdef") == "def"


def times_open(path: Path) -> int:
    return sum(os.path.realpath(file) == str(path) for file in Path("/proc/self/fd").iterdir())


def test_using_an_archive_twice_is_using_it(opened: Open, clock: SettableClock) -> None:
    cache = opened()
    keep(cache, clock, "a")
    (archive,) = cache._objects.iterdir()
    for _ in range(3):
        assert cache.find(purl("a"), Form.SOURCE) is not None
    assert times_open(archive) == 1
    cache.close()
    assert times_open(archive) == 0


def test_an_archive_that_was_damaged_is_not_used(opened: Open, clock: SettableClock) -> None:
    cache = opened()
    keep(cache, clock, "a")
    cache.close()
    (archive,) = cache._objects.iterdir()
    archive.chmod(0o644)
    archive.write_bytes(b"x" * BYTES)

    assert cache.find(purl("a"), Form.SOURCE) is None
    cache.evict()
    keep(cache, clock, "a")
    assert cache.find(purl("a"), Form.SOURCE) is not None


def test_what_a_killed_download_left_goes_once_nobody_can_be_downloading_it(opened: Open, clock: SettableClock) -> None:
    cache = opened()
    keep(cache, clock, "a")
    for name, seconds in (("old", limits.INCOMING_SECONDS_MAX + 1), ("young", limits.INCOMING_SECONDS_MAX)):
        left = cache._objects / f"{INCOMING}{name}"
        left.write_bytes(b"x" * BYTES_MAX)
        at = clock.now().timestamp() - seconds
        os.utime(left, (at, at))

    cache.evict()

    assert sorted(path.name for path in cache._objects.iterdir() if path.name.startswith(INCOMING)) == [
        ".incoming-young"
    ]
    assert held(cache, "a") == "a"
