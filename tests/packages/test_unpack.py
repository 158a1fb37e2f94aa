from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Conflict, Malformed, Unavailable
from leadtime.packages import limits
from leadtime.packages.unpack import UnpackedTree, unpack
from tests.packages.hostile_archives import entry, files, tar, zipped

STEP = "Use a release whose archive is well made."


def refusal(archive: Path, into: Path, **options: int) -> str:
    """Unpack, expect a refusal, check that nothing was left anywhere, and return the sentence."""
    before = set(into.parent.rglob("*"))
    with pytest.raises(Malformed) as caught:
        unpack(archive, into, **options)
    assert set(into.parent.rglob("*")) == before
    assert caught.value.where == archive.name
    assert caught.value.next_step == STEP
    return caught.value.what


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_comes_out_as_it_went_in(tmp_path: Path, mode: str) -> None:
    archive = files(tmp_path / "a", {"pkg/a.c": b"int a;", "pkg/deep/b.txt": b"b" * 3_000_000, "pkg/empty": b""}, mode)

    tree = unpack(archive, tmp_path / "out")

    assert tree == UnpackedTree(
        tmp_path / "out",
        {"a.c": digest_of(b"int a;"), "deep/b.txt": digest_of(b"b" * 3_000_000), "empty": digest_of(b"")},
    )
    assert (tmp_path / "out/deep/b.txt").read_bytes() == b"b" * 3_000_000
    assert list(tree.files) == ["a.c", "deep/b.txt", "empty"]


def test_a_zip_comes_out_as_it_went_in_with_nothing_stripped(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.whl", {"pkg/__init__.py": b"x = 1", "pkg/data/": b"", "top.py": b""})

    tree = unpack(archive, tmp_path / "out", strip=0)

    assert dict(tree.files) == {"pkg/__init__.py": digest_of(b"x = 1"), "top.py": digest_of(b"")}
    assert (tmp_path / "out/pkg/data").is_dir()


def test_the_manifest_cannot_be_written_to(tmp_path: Path) -> None:
    tree = unpack(files(tmp_path / "a", {"p/a": b""}), tmp_path / "out")

    with pytest.raises(TypeError):
        tree.files["forged"] = digest_of(b"")  # type: ignore[index]


def test_stripping_drops_members_that_have_nothing_left(tmp_path: Path) -> None:
    archive = files(tmp_path / "a", {"readme": b"top", "p/kept": b"1"})

    assert list(unpack(archive, tmp_path / "one").files) == ["kept"]
    assert list(unpack(archive, tmp_path / "none", strip=0).files) == ["p/kept", "readme"]


def test_modes_are_plain_and_times_are_kept(tmp_path: Path) -> None:
    members = [
        (entry("p/set", mode=0o6777, mtime=1_000_000_000), b"#!"),
        (entry("p/plain", mode=0o600, mtime=-5), b""),
        (entry("p/secret", tarfile.DIRTYPE, mode=0o1000), b""),
    ]
    old = os.umask(0o077)
    try:
        root = unpack(tar(tmp_path / "a", members), tmp_path / "out").root
    finally:
        os.umask(old)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [root, *root.iterdir()]}
    assert modes == {"out": 0o755, "set": 0o755, "plain": 0o644, "secret": 0o755}
    assert (root / "set").stat().st_mtime == 1_000_000_000
    assert (root / "plain").stat().st_mtime == 0


def test_a_zip_keeps_the_execute_bit_and_no_other(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"run": b"#!", "read": b""}, {"run": 0o104700})
    root = unpack(archive, tmp_path / "out", strip=0).root

    assert stat.S_IMODE((root / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "read").stat().st_mode) == 0o644
    assert (root / "run").stat().st_mtime == 1_577_934_246


def test_links_that_stay_inside_are_kept(tmp_path: Path) -> None:
    members = [
        (entry("p/lib/real.c"), b"code"),
        (entry("p/lib/link.c", tarfile.SYMTYPE, linkname="real.c"), b""),
        (entry("p/up.c", tarfile.SYMTYPE, linkname="./lib//real.c"), b""),
        (entry("p/lib/deep/climb", tarfile.SYMTYPE, linkname="../../up.c"), b""),
        (entry("p/self", tarfile.SYMTYPE, linkname="."), b""),
        (entry("p/hard.c", tarfile.LNKTYPE, linkname="p/lib/real.c"), b""),
    ]
    tree = unpack(tar(tmp_path / "a", members), tmp_path / "out")

    assert dict(tree.files) == {"hard.c": digest_of(b"code"), "lib/real.c": digest_of(b"code")}
    for path in ("lib/link.c", "up.c", "lib/deep/climb"):
        assert (tree.root / path).is_symlink()
        assert (tree.root / path).read_bytes() == b"code"
    assert (tree.root / "self").readlink() == Path()
    (tree.root / "hard.c").write_bytes(b"changed by a build")
    assert (tree.root / "lib/real.c").read_bytes() == b"code"


def test_the_last_of_two_members_of_one_path_counts(tmp_path: Path) -> None:
    members = [
        (entry("p/a"), b"first"),
        (entry("p/a"), b"second"),
        (entry("p/b"), b"file"),
        (entry("p/b", tarfile.SYMTYPE, linkname="a"), b""),
        (entry("p/c", tarfile.SYMTYPE, linkname="a"), b""),
        (entry("p/c"), b"now a file"),
        (entry("p/d", tarfile.DIRTYPE), b""),
        (entry("p/d", tarfile.DIRTYPE), b""),
    ]
    tree = unpack(tar(tmp_path / "a", members), tmp_path / "out")

    assert dict(tree.files) == {"a": digest_of(b"second"), "c": digest_of(b"now a file")}
    assert (tree.root / "b").is_symlink()
    assert (tree.root / "a").read_bytes() == b"second"
    assert not (tree.root / "c").is_symlink()


def test_a_hard_link_to_itself_changes_nothing(tmp_path: Path) -> None:
    members = [(entry("p/a"), b"x"), (entry("p/a", tarfile.LNKTYPE, linkname="p/a"), b"")]

    assert dict(unpack(tar(tmp_path / "a", members), tmp_path / "out").files) == {"a": digest_of(b"x")}


LINK, HARD, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
ATTACKS = {
    "absolute": ([entry("/etc/cron.d/x")], "the member '/etc/cron.d/x' has an absolute path"),
    "dots": ([entry("p/../../x")], "the member 'p/../../x' climbs out of its directory"),
    "dots that only stripping would hide": ([entry("../x")], "the member '../x' climbs out of its directory"),
    "absolute directory": ([entry("/p", DIR)], "the member '/p' has an absolute path"),
    "link to an absolute path": (
        [entry("p/l", LINK, linkname="/etc")],
        "the member 'l' is a link to an absolute path",
    ),
    "link out": ([entry("p/l", LINK, linkname="../x")], "the member 'l' is a link that leads outside the archive"),
    "link out of a deep place": (
        [entry("p/a/l", LINK, linkname="../../x")],
        "the member 'a/l' is a link that leads outside the archive",
    ),
    "link that climbs after a name": (
        [entry("p/a/l", LINK, linkname="x/../../y")],
        "the member 'a/l' is a link that leads outside the archive",
    ),
    "write through a link": (
        [entry("p/l", LINK, linkname="d"), entry("p/l/x")],
        "the member 'p/l/x' is inside something that is not a directory",
    ),
    "write through a link made later": (
        [entry("p/l/x"), entry("p/l", LINK, linkname="d")],
        "the member 'p/l' would replace a directory",
    ),
    "directory over a link": (
        [entry("p/l", LINK, linkname="d"), entry("p/l", DIR)],
        "the member 'p/l' is inside something that is not a directory",
    ),
    "file in a file": (
        [entry("p/f"), entry("p/f/x")],
        "the member 'p/f/x' is inside something that is not a directory",
    ),
    "file over a directory": (
        [entry("p/d", DIR), entry("p/d")],
        "the member 'p/d' would replace a directory",
    ),
    "hard link out": (
        [entry("p/h", HARD, linkname="../../etc/shadow")],
        "the member '../../etc/shadow' climbs out of its directory",
    ),
    "absolute hard link": (
        [entry("p/h", HARD, linkname="/etc/shadow")],
        "the member '/etc/shadow' has an absolute path",
    ),
    "hard link to what is not there": (
        [entry("p/h", HARD, linkname="p/x")],
        "the member 'p/h' is a hard link to nothing before it in the archive",
    ),
    "hard link to a link": (
        [entry("p/l", LINK, linkname="x"), entry("p/h", HARD, linkname="p/l")],
        "the member 'p/h' is a hard link to nothing before it in the archive",
    ),
    "hard link to the stripped part": (
        [entry("p/h", HARD, linkname="p")],
        "the member 'p/h' is a hard link to nothing before it in the archive",
    ),
    "pipe": (
        [entry("p/pipe", tarfile.FIFOTYPE)],
        "the member 'p/pipe' is neither a file, a directory nor a link that is kept",
    ),
    "character device": (
        [entry("p/null", tarfile.CHRTYPE, devmajor=1, devminor=3)],
        "the member 'p/null' is neither a file, a directory nor a link that is kept",
    ),
    "block device": (
        [entry("p/disk", tarfile.BLKTYPE, devmajor=8)],
        "the member 'p/disk' is neither a file, a directory nor a link that is kept",
    ),
    "escape sequence": ([entry("p/\x1b[2J")], "the member 'p/\\x1b[2J' has a control character in its name"),
    "line break": ([entry("p/a\nb")], "the member 'p/a\\nb' has a control character in its name"),
    "line break in a target": (
        [entry("p/l", LINK, linkname="a\nb")],
        "the member 'l' has a control character in its name",
    ),
    "not UTF-8": ([entry("p/\udcff")], "the member 'p/\\udcff' has a name that is not UTF-8"),
    "long name": ([entry("p/" + "n" * 256)], f"the member 'p/{'n' * 98}' has a path that is too long or too deep"),
    "deep name": ([entry("d/" * 64 + "f")], f"the member '{'d/' * 50}' has a path that is too long or too deep"),
    "too deep to end": (
        [entry("/".join(["d" * 200] * 6))],
        f"the member '{'d' * 100}' has a path that is too long or too deep",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_by_its_member_and_leaves_nothing(tmp_path: Path, attack: str) -> None:
    members, sentence = ATTACKS[attack]
    archive = tar(tmp_path / "a.tgz", ((each, b"") for each in members))

    assert refusal(archive, tmp_path / "out") == sentence


def test_names_just_inside_the_bounds_are_taken(tmp_path: Path) -> None:
    names = ["p/" + "n" * 255, "d/" * 63 + "f"]
    tree = unpack(files(tmp_path / "a", dict.fromkeys(names, b"")), tmp_path / "out")

    assert len(tree.files) == 2


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_zip_with_anything_but_files_and_directories_is_refused(tmp_path: Path, kind: int) -> None:
    archive = zipped(tmp_path / "a.zip", {"p/x": b"/etc/passwd"}, {"p/x": kind | 0o777})

    sentence = "the member 'p/x' is neither a file, a directory nor a link that is kept"
    assert refusal(archive, tmp_path / "out") == sentence


@pytest.mark.parametrize("name", ["../x", "/x", "p/../../x"])
def test_a_zip_cannot_climb(tmp_path: Path, name: str) -> None:
    refusal(zipped(tmp_path / "a.zip", {name: b""}), tmp_path / "out")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"p/x": b"content"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)

    assert refusal(archive, tmp_path / "out") == "the member 'p/x' is encrypted"


def test_a_zip_compressed_in_an_unusual_way_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr("p/x", b"content")

    assert refusal(archive, tmp_path / "out") == "the member 'p/x' is neither stored nor deflated"


@pytest.mark.parametrize(
    "content", [b"", b"plain text", b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"\x00" * 600]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "a"
    archive.write_bytes(content)

    assert refusal(archive, tmp_path / "out").split(" (")[0] in {
        "this is not a tar or zip archive",
        "the archive is broken",
    }


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_cut_archive_leaves_nothing(tmp_path: Path, mode: str, kept: float) -> None:
    archive = files(tmp_path / "a", {f"p/{number}": os.urandom(5_000) for number in range(40)}, mode)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * kept)])

    assert refusal(archive, tmp_path / "out").startswith("the archive is broken (")


def test_a_zip_whose_content_was_changed_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("p/x", b"genuine")
    archive.write_bytes(archive.read_bytes().replace(b"genuine", b"altered"))

    assert refusal(archive, tmp_path / "out") == "the archive is broken (BadZipFile)"


class TestBombs:
    def test_too_many_members(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "ENTRIES_MAX", 10)
        fitting = files(tmp_path / "fits", {f"p/{number}": b"" for number in range(10)})
        bursting = files(tmp_path / "bursts", {f"p/{number}": b"" for number in range(11)})

        assert len(unpack(fitting, tmp_path / "fine").files) == 10
        assert refusal(bursting, tmp_path / "out") == "the archive has more than 10 members"

    @pytest.mark.parametrize("pack", [files, zipped])
    def test_too_many_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object) -> None:
        archive = pack(tmp_path / "a", {"p/1": b"\0" * 60_000, "p/2": b"\0" * 60_000})  # type: ignore[operator]
        monkeypatch.setattr(limits, "UNPACKED_BYTES_MAX", 100_000)

        assert refusal(archive, tmp_path / "out") in {
            "the member 'p/2' brings the tree over 100000 bytes",
            "the archive unpacks to more than 100000 bytes",
        }

    def test_a_zip_that_lies_about_its_size(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        archive = zipped(tmp_path / "a", {"p/1": b"\0" * 60_000})
        raw = bytearray(archive.read_bytes())
        for place in (22, raw.index(b"PK\x01\x02") + 24):
            raw[place : place + 4] = (10).to_bytes(4, "little")
        archive.write_bytes(raw)

        assert refusal(archive, tmp_path / "out") == "the archive is broken (BadZipFile)"

    def test_hard_links_count_each_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        links = [(entry(f"p/{number}", HARD, linkname="p/real"), b"") for number in range(10)]
        archive = tar(tmp_path / "a", [(entry("p/real"), b"\0" * 20_000), *links])
        monkeypatch.setattr(limits, "UNPACKED_BYTES_MAX", 100_000)

        assert refusal(archive, tmp_path / "out") == "the member 'p/4' brings the tree over 100000 bytes"

    def test_a_member_larger_than_all_is_refused_before_a_byte_is_written(self, tmp_path: Path) -> None:
        archive = tmp_path / "a"
        archive.write_bytes(entry("p/huge", size=1 << 50).tobuf() + b"\0" * 1024)

        assert refusal(archive, tmp_path / "out") == f"the member 'p/huge' brings the tree over {2 << 30} bytes"

    def test_an_extended_header_that_would_fill_the_memory(self, tmp_path: Path) -> None:
        header = entry("p/x", tarfile.XHDTYPE, size=1 << 30).tobuf()
        archive = tmp_path / "a"
        archive.write_bytes(gzip.compress(header + b"\0" * (1 << 20)))

        assert refusal(archive, tmp_path / "out") == "a member's headers take more than 262144 bytes"

    def test_a_chain_of_extended_headers(self, tmp_path: Path) -> None:
        link = entry("p/x", tarfile.XHDTYPE, size=0).tobuf()
        archive = tmp_path / "a"
        archive.write_bytes(link * 100_000)

        assert refusal(archive, tmp_path / "out") in {
            "a member's headers take more than 262144 bytes",
            "the archive is broken (RecursionError)",
        }

    @pytest.mark.parametrize("size", [-1, -512, -5_000])
    def test_a_member_that_points_backwards(self, tmp_path: Path, size: int) -> None:
        header = bytearray(entry("p/x").tobuf())
        header[124:136] = size.to_bytes(12, "big", signed=True)
        header[148:156] = b"        "
        header[148:156] = b"%06o\0 " % sum(header)
        archive = tmp_path / "a"
        archive.write_bytes(entry("p/first", size=4).tobuf() + b"1".ljust(512) + bytes(header) * 2 + b"\0" * 1024)

        assert refusal(archive, tmp_path / "out") == "a member of the archive points backwards"

    def test_a_sparse_file_of_a_petabyte(self, tmp_path: Path) -> None:
        info = entry("p/sparse")
        info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50), "GNU.sparse.numblocks": "1"}
        archive = tar(tmp_path / "a", [(info, b"x")])

        sentence = "the member 'p/sparse' is neither a file, a directory nor a link that is kept"
        assert refusal(archive, tmp_path / "out") == sentence

    def test_an_xz_that_wants_a_large_dictionary(self, tmp_path: Path) -> None:
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
        archive = tmp_path / "a"
        archive.write_bytes(lzma.compress(b"\0" * 1024, filters=filters))

        assert refusal(archive, tmp_path / "out") == "the archive is broken (LZMAError)"

    def test_a_central_directory_that_would_fill_the_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = zipped(tmp_path / "a", {f"p/{number}": b"" for number in range(100)})
        monkeypatch.setattr(limits, "CENTRAL_DIRECTORY_BYTES_MAX", 4_000)

        assert refusal(archive, tmp_path / "out") == "the archive's directory takes more than 4000 bytes"

    def test_a_bomb_in_bzip2(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "UNPACKED_BYTES_MAX", 1_000_000)
        archive = tmp_path / "a"
        archive.write_bytes(bz2.compress(entry("stripped", size=29_000_000).tobuf() + b"\0" * 30_000_000))

        assert refusal(archive, tmp_path / "out") == "the archive unpacks to more than 1000000 bytes"


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    archive = files(tmp_path / "a", {"p/x": b""})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("kept")

    with pytest.raises(Conflict, match="the directory to unpack into is not empty"):
        unpack(archive, tmp_path / "out")

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_link_in_place_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to("elsewhere")

    with pytest.raises(Conflict):
        unpack(files(tmp_path / "a", {"p/x": b""}), tmp_path / "out")


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    assert list(unpack(files(tmp_path / "a", {"p/x": b""}), tmp_path / "out").files) == ["x"]


def test_an_archive_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"out: the archive cannot be unpacked here \(No such file or directory\)"):
        unpack(tmp_path / "missing", tmp_path / "out")


NAMES = st.lists(
    st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\x7f"), min_size=1, max_size=20).filter(
        lambda part: part not in {".", ".."}
    ),
    min_size=1,
    max_size=4,
).map("/".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.dictionaries(NAMES, st.binary(max_size=2_000), max_size=6), mode=st.sampled_from(["w:", "w:gz", "w:xz"])
)
def test_any_tree_of_files_survives_the_journey(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes], mode: str
) -> None:
    parents = {name.rsplit("/", depth)[0] for name in contents for depth in range(1, name.count("/") + 1)}
    contents = {name: content for name, content in contents.items() if name not in parents}
    place = tmp_path_factory.mktemp("journey")
    archive = files(place / "a", {f"p/{name}": content for name, content in contents.items()} | {"p": b""}, mode)

    tree = unpack(archive, place / "out")

    assert dict(tree.files) == {name: digest_of(content) for name, content in contents.items()}
    assert {name: (tree.root / name).read_bytes() for name in contents} == contents


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_is_unpacked_or_refused_and_touches_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("damaged")
    pack = data.draw(st.sampled_from([lambda path: files(path, BASIC, "w:"), lambda path: zipped(path, BASIC)]))
    raw = bytearray(pack(place / "a").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (place / "a").write_bytes(raw)
    (place / "inside").mkdir()

    try:
        unpack(place / "a", place / "inside/out")
    except Malformed:
        assert list((place / "inside").iterdir()) == []

    assert {path.name for path in place.iterdir()} == {"a", "inside"}


BASIC = {"p/one": b"1" * 700, "p/two/three": b"3", "p/four": b""}
