"""A tiny release with real flaws, taken through everything but the indexes."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.evidence import read_evidence
from leadtime.flow.validation.prove import Workshop, prove
from leadtime.flow.validation.records import FixedWord, Limit, Origin, Word
from leadtime.flow.validation.rules import wilson
from tests.flow.validation.brittle import C_BUILD, HARNESS, Shelf, Trial, archive_of, verdict_on

pytestmark = pytest.mark.sandbox

SHORT = {"build_s": 60, "run_s": 2, "memory_mib": 512}
CLANG = "clang-19 -g -O0 -fsanitize=address {} -I{{src}}/lib harness.c {{src}}/lib/brittle.c -o target"
PYTHON_LOOP = "import sys\nsys.path.insert(0, sys.argv[2])\nimport brittle\nbrittle.total(open(sys.argv[1]).read())\n"
needs_clang = pytest.mark.skipif(shutil.which("clang-19") is None, reason="clang-19 is not installed")


def test_a_real_flaw_reproduces_and_the_fixed_release_is_clean(tmp_path: Path) -> None:
    verdict = verdict_on(Trial(fixed="1.1", control="harmless"), tmp_path, runs=2)

    assert (verdict.word, verdict.fixed.word, verdict.fixed.runs) == (Word.REPRODUCED, FixedWord.CLEAN, 2)
    assert verdict.rate == wilson(2, 2)
    assert verdict.crash is not None
    assert (verdict.crash.crash_class, verdict.crash.access) == ("heap-buffer-overflow", "READ 1")
    assert [frame.text for frame in verdict.crash.subject_frames] == [
        "read_one lib/brittle.c:5",
        "brittle_sum lib/brittle.c:13",
    ]
    assert ("main", "harness.c", Origin.FINDER) in [(f.function, f.file, f.origin) for f in verdict.crash.frames]
    assert [purl for purl, _ in verdict.releases] == ["pkg:pypi/brittle@1.0", "pkg:pypi/brittle@1.1"]


def test_evidence_is_kept_by_its_digest(tmp_path: Path) -> None:
    verdict = verdict_on(Trial(), tmp_path)

    kept = [read_evidence(tmp_path / "evidence", digest) for digest in verdict.evidence]
    assert len(kept) >= 3
    assert any(b"ERROR: AddressSanitizer" in content for content in kept)


@pytest.mark.parametrize("given", ["!over CANARY-4f1e77", "harmless CANARY-4f1e77"])
def test_nothing_of_a_report_is_on_disk_in_clear_after_the_verdict(tmp_path: Path, given: str) -> None:
    home, trial = tmp_path / "home", Trial(given=given)
    speaking = trial.files["harness.c"].replace('printf("', 'printf("CANARY-4f1e77 ')
    trial = replace(
        trial,
        files={"harness.c": f"/* CANARY-4f1e77 */\n{speaking}"},
        build=("echo CANARY-4f1e77 | tee {src}/canary", *trial.build),
    )

    verdict = prove(trial.reproducer(), Shelf(tmp_path), Workshop(home / "cache", home / "evidence", None, "nobody"))

    files = [path for path in home.rglob("*") if path.is_file()]
    evidence = [read_evidence(home / "evidence", digest) for digest in verdict.evidence]
    assert sum(b"CANARY-4f1e77" in content for content in evidence) >= 1
    assert len(list((home / "cache" / "builds").iterdir())) == 1
    assert [path for path in files if b"CANARY-4f1e77" in path.read_bytes()] == []
    assert not any(digest[9:] in str(path) for digest in verdict.evidence for path in files)
    assert list((home / "cache" / "running").iterdir()) == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "evidence", *(home / "cache").iterdir())} == {0o700}


def test_a_harmless_input_shows_nothing(tmp_path: Path) -> None:
    verdict = verdict_on(Trial(given="harmless", fixed="1.1"), tmp_path)

    assert (verdict.word, verdict.reason, verdict.crash) == (Word.NOT_REPRODUCED, "nothing was seen", None)
    assert verdict.fixed.word is FixedWord.NOT_CHECKED


@pytest.mark.parametrize(
    ("given", "fixed", "word"),
    [
        ("!overflow", "1.2", FixedWord.STILL_FAILS),
        ("?null", "1.3", FixedWord.STILL_FAILS),
        ("!overflow", "1.3", FixedWord.CLEAN),
        ("!overflow", "9.9", FixedWord.NOT_CHECKED),
    ],
)
def test_the_fixed_release_is_judged_next_to_the_first(given: str, fixed: str, word: FixedWord, tmp_path: Path) -> None:
    verdict = verdict_on(Trial(given=given, fixed=fixed), tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, word)


def test_a_fixed_release_may_fail_otherwise(tmp_path: Path) -> None:
    both = HARNESS.replace(
        "  return count", "  if (brittle_peek(text, 0) == '!') brittle_sum(\"?\", 1);\n  return count"
    )

    verdict = verdict_on(Trial(files={"harness.c": both}, fixed="1.3"), tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.FAILS_OTHERWISE)
    assert verdict.fixed.reason == "SEGV in brittle_sum lib/brittle.c:14"


@pytest.mark.parametrize(
    ("given", "call", "crash_class", "access"),
    [
        ("?", "brittle_sum(text, size)", "SEGV", "READ"),
        ("x", "brittle_deep(1)", "stack-overflow", ""),
    ],
)
def test_signals_have_their_own_classes(given: str, call: str, crash_class: str, access: str, tmp_path: Path) -> None:
    harness = HARNESS.replace("brittle_sum(text, size)", call)

    crash = verdict_on(Trial(files={"harness.c": harness}, given=given), tmp_path).crash

    assert crash is not None
    assert (crash.crash_class, crash.access) == (crash_class, access)


@needs_clang
@pytest.mark.parametrize(
    "options", ["", "-shared-libasan -Wl,-rpath,$(dirname $(clang-19 -print-file-name=libclang_rt.asan-x86_64.so))"]
)
def test_clangs_runtime_counts_linked_either_way(options: str, tmp_path: Path) -> None:
    verdict = verdict_on(Trial(build=(CLANG.format(options),)), tmp_path)

    assert (verdict.word, verdict.reason) == (Word.REPRODUCED, "heap-buffer-overflow in read_one lib/brittle.c:5")


@needs_clang
def test_a_fuzzers_target_counts(tmp_path: Path) -> None:
    harness = (
        '#include "brittle.h"\nint LLVMFuzzerTestOneInput(const unsigned char *text, size_t size) {\n'
        "  return size > 1 ? brittle_sum((const char *)text, size) & 0 : 0; }\n"
    )

    verdict = verdict_on(Trial(files={"harness.c": harness}, build=(CLANG.format("-fsanitize=fuzzer"),)), tmp_path)

    assert (verdict.word, verdict.reason) == (Word.REPRODUCED, "heap-buffer-overflow in read_one lib/brittle.c:5")


@pytest.mark.parametrize(
    "build",
    [
        (C_BUILD.replace("gcc", "gcc -pipe"),),
        (
            "gcc -c -g -O0 -fsanitize=address -I{src}/lib {src}/lib/brittle.c -o brittle.o",
            "ar rcs libbrittle.a brittle.o",
            "gcc -fsanitize=address -I{src}/lib harness.c -L. -lbrittle -o target",
        ),
        ("cp -r {src}/lib mine", "gcc -g -O0 -fsanitize=address -Imine harness.c mine/brittle.c -o target"),
        (
            "ln -s {src}/lib mine",
            "cd mine && gcc -g -O0 -fsanitize=address -I. /box/work/harness.c brittle.c -o /box/work/target",
        ),
        ("cd {src} && gcc -g -O0 -fsanitize=address -Ilib ../work/harness.c lib/brittle.c -o $OLDPWD/target",),
    ],
)
def test_honest_builds_of_all_kinds_are_believed(build: tuple[str, ...], tmp_path: Path) -> None:
    verdict = verdict_on(Trial(build=build), tmp_path)

    assert (verdict.word, verdict.reason) == (Word.REPRODUCED, "heap-buffer-overflow in read_one lib/brittle.c:5")


def test_a_python_extension_under_a_preloaded_runtime_counts(tmp_path: Path) -> None:
    harness = "import ctypes, sys\nlib = ctypes.CDLL('./lib.so')\ntext = open(sys.argv[1], 'rb').read()\n"
    trial = Trial(
        files={"harness.py": harness + "lib.brittle_sum(text, len(text))\n"},
        build=("gcc -g -O0 -fsanitize=address -shared -fPIC -I{src}/lib {src}/lib/brittle.c -o lib.so",),
        run="LD_PRELOAD=$(gcc -print-file-name=libasan.so) PYTHONMALLOC=malloc {python} harness.py {input}",
    )

    verdict = verdict_on(trial, tmp_path)

    assert verdict.reason == "heap-buffer-overflow in read_one lib/brittle.c:5"
    assert verdict.crash is not None
    assert ("<module>", "harness.py", 4) in [(f.function, f.file, f.line) for f in verdict.crash.frames]


def test_a_hang_in_c_reproduces_and_the_fixed_release_ends(tmp_path: Path) -> None:
    harness = HARNESS.replace("brittle_sum(text, size)", "brittle_spin(text)")
    trial = Trial(files={"harness.c": harness}, oracle="hang", limits=SHORT, fixed="1.1", control="harmless")

    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.CLEAN)
    assert verdict.crash is not None
    assert verdict.crash.crash_class == "timeout"
    assert verdict.crash.subject_frames[0].function == "brittle_spin"


def test_a_hang_in_python_reproduces_and_the_fixed_release_ends(tmp_path: Path) -> None:
    trial = Trial(
        files={"harness.py": PYTHON_LOOP},
        build=(),
        run="{python} harness.py {input} {src}",
        oracle="hang",
        limits=SHORT,
        fixed="1.1",
        control="harmless",
    )

    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.CLEAN)
    assert verdict.crash is not None
    assert [frame.text.partition(":")[0] for frame in verdict.crash.frames[:2]] == [
        "total brittle/__init__.py",
        "<module> harness.py",
    ]


def test_a_generator_that_never_ends_is_the_subjects_hang_whoever_asks_it_for_more(tmp_path: Path) -> None:
    harness = PYTHON_LOOP.replace("brittle.total(", "sum(1 for _ in brittle.words(").replace(".read())", ".read()))")
    trial = Trial(
        files={"harness.py": harness},
        build=(),
        run="{python} harness.py {input} {src}",
        oracle="hang",
        limits=SHORT,
        fixed="1.1",
    )

    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.CLEAN), verdict.reason
    assert verdict.crash is not None
    assert "words" in [frame.function for frame in verdict.crash.subject_frames]


@pytest.mark.parametrize(
    ("trial", "reason"),
    [
        (Trial(build=("false",)), "the build of pkg:pypi/brittle@1.0 failed with exit code 1"),
        (Trial(build=("true", "exit 7", "true")), "the build of pkg:pypi/brittle@1.0 failed with exit code 7"),
        (
            Trial(build=("echo one; echo >&2; echo two; exit 9",)),
            "the build of pkg:pypi/brittle@1.0 failed with exit code 9: two",
        ),
        (
            Trial(
                build=(r"echo a.c:1: no ERROR; printf 'a.c:2: error:\t\033[31m \342\200\256red\n'; echo last; exit 9",)
            ),
            "the build of pkg:pypi/brittle@1.0 failed with exit code 9: a.c:2: error: [31m red",
        ),
        (
            Trial(build=("printf '%0201d\\n' 7 >&2; exit 9",)),
            f"the build of pkg:pypi/brittle@1.0 failed with exit code 9: {'0' * 200}",
        ),
        (
            Trial(build=("sleep 60",), limits={"build_s": 1}),
            "the build of pkg:pypi/brittle@1.0 reached its time limit",
        ),
        (
            Trial(build=("yes",), limits={"build_s": 30}),
            "the build of pkg:pypi/brittle@1.0 reached its output limit",
        ),
        (
            Trial(needs_debian=("no-such-package-here", "gcc")),
            "the Debian packages that the recipe needs are not on this worker: no-such-package-here",
        ),
        (Trial(files={}, build=(), run="sleep 60", limits={"run_s": 1}), f"{Limit.TIME} was reached"),
    ],
)
def test_what_cannot_be_decided_says_why(trial: Trial, reason: str, tmp_path: Path) -> None:
    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.reason, verdict.fixed.word) == (Word.INCONCLUSIVE, reason, FixedWord.NOT_CHECKED)


def test_an_unreadable_release_is_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "brittle-1.0.tar.gz").write_bytes(archive_of("1.0")[:200])

    verdict = verdict_on(Trial(), tmp_path)

    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.reason.startswith("the release cannot be unpacked: pkg:pypi/brittle@1.0: ")


def test_a_build_leaves_what_it_likes_and_the_run_still_starts(tmp_path: Path) -> None:
    mess = "mkfifo pipe; ln -s /etc/passwd link; mkdir locked && chmod 0 locked; ln -s . loop; touch target.d"

    verdict = verdict_on(Trial(build=(mess, C_BUILD)), tmp_path)

    assert verdict.word in {Word.REPRODUCED, Word.INCONCLUSIVE}


def test_a_build_is_done_once_for_the_same_recipe_and_release(tmp_path: Path) -> None:
    verdict_on(Trial(), tmp_path)
    (built,) = (tmp_path / "cache" / "builds").iterdir()
    before = built.stat().st_ino

    verdict_on(Trial(given="?other"), tmp_path)
    verdict_on(Trial(run="./target {input} extra"), tmp_path)

    assert [place.name for place in (tmp_path / "cache" / "builds").iterdir()] == [built.name]
    assert built.stat().st_ino == before
    verdict_on(Trial(build=(C_BUILD, "true")), tmp_path)
    assert len(list((tmp_path / "cache" / "builds").iterdir())) == 2


def test_a_run_changes_nothing_for_the_next(tmp_path: Path) -> None:
    trial = Trial(run="test ! -e mark && touch mark && ./target {input}; touch {src}/x; test ! -e {src}/x && cat mark")

    verdict = verdict_on(trial, tmp_path, runs=2)

    assert verdict.rate == wilson(2, 2)


def test_neither_build_nor_run_is_told_the_version(tmp_path: Path) -> None:
    trial = Trial(
        build=("env >seen; pwd >>seen; echo {src} {python} >>seen; ls -a / /box /box/work >>seen",),
        run="cat seen; env; echo {input}",
        given="x",
    )

    verdict = verdict_on(trial, tmp_path)

    told = [read_evidence(tmp_path / "evidence", digest) for digest in verdict.evidence]
    assert verdict.word is Word.NOT_REPRODUCED
    assert not any(b"1.0" in content.replace(b"127.0.0.1", b"") for content in told if content[:1] != b"{")


def test_what_is_made_for_the_boxes_is_readable_there_whatever_our_umask(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "cache", tmp_path / "evidence", python=None, sandbox_user="nobody")
    before = os.umask(0o077)
    try:
        verdict = prove(Trial().reproducer(), Shelf(tmp_path), workshop)  # type: ignore[arg-type]
    finally:
        os.umask(before)

    assert (verdict.word, verdict.rate) == (Word.REPRODUCED, wilson(5, 5)), verdict.reason
