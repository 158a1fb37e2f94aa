"""A bundle shows the flaw again in an empty folder, without a network, by plain tools and by our own sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.bundle import pack
from leadtime.flow.validation.bundle.pack import pack_bundle
from leadtime.flow.validation.bundle.scripts import given_place, readme_of, steps_of
from leadtime.flow.validation.prove import judge
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import FixedSide, FixedWord, Harness, Verdict, Word
from leadtime.flow.validation.trial.run import carry_out
from leadtime.foundation.digests import Digest, digest_of_file
from leadtime.foundation.errors import Refused
from leadtime.packages.folder import ReleaseFolder
from leadtime.packages.purls import parse_purl
from tests.flow.validation.brittle import Trial, task_of

TRIAL = Trial(fixed="1.1", control="harmless", env={"MODE": "it's; rm -rf *"})

VERDICT = Verdict(
    word=Word.REPRODUCED,
    reason="SEGV in \x1b[2J f\n# a heading",
    rate=None,
    crash=None,
    fixed=FixedSide(FixedWord.NOT_CHECKED, "", 0, 0),
    harness=Harness.FINDER,
    environment=Digest("sha256:e"),
    releases=(),
    evidence=(),
)

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def packed(trial: Trial, place: Path, verdict: Verdict = VERDICT) -> Path:
    """Return a bundle's folder, unpacked."""
    bundle = place / "bundle.tar"
    pack_bundle(bundle, trial.reproducer(), task_of(trial, place), verdict)
    folder = place / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "-xf", str(bundle), "-C", str(folder)], check=True)
    return folder


def ran(folder: Path, *arguments: str, offline: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the bundle's one command."""
    env = {"PATH": "/usr/bin:/bin", "PLAIN": "1"}
    command = [*offline, "sh", "run.sh", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


NO_NETWORK = ("unshare", "--map-root-user", "--net")


@pytest.mark.sandbox
@needs_bubblewrap
def test_one_command_in_an_empty_folder_shows_the_crash_and_the_fix(tmp_path: Path) -> None:
    folder = packed(TRIAL, tmp_path)

    vulnerable, fixed = ran(folder, offline=NO_NETWORK), ran(folder, "fixed", offline=NO_NETWORK)

    assert "ERROR: AddressSanitizer: heap-buffer-overflow" in vulnerable.stderr
    assert "brittle_sum" in vulnerable.stderr
    assert vulnerable.stdout.splitlines()[-1] == "it ended with exit code 1"
    assert "AddressSanitizer" not in fixed.stderr
    assert fixed.stdout.splitlines()[-1] == "it ended with exit code 0"


@pytest.mark.sandbox
def test_our_own_sandbox_needs_only_what_the_bundle_holds(tmp_path: Path) -> None:
    folder = packed(TRIAL, tmp_path)
    held = ReleaseFolder(folder / "releases")
    task = task_of(TRIAL, tmp_path)
    own = [held.release(parse_purl(release.purl, where="")) for release in (task.vulnerable, task.fixed) if release]

    again = replace(
        task,
        vulnerable=replace(task.vulnerable, archive=str(own[0].archive)),
        fixed=None,
        cache=str(tmp_path / "other"),
    )

    verdict = judge(parse_recipe(task.recipe.encode()), again, carry_out(again, lambda *_: None, runs=1))
    assert verdict.word is Word.REPRODUCED


def test_what_was_changed_is_noticed_before_anything_runs(tmp_path: Path) -> None:
    folder = packed(TRIAL, tmp_path)
    (folder / "recipe/harness.c").write_text("int main(void) { return 0; }\n")

    done = ran(folder)

    assert done.returncode != 0
    assert "building" not in done.stdout


def test_a_side_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = packed(replace(TRIAL, fixed=None), tmp_path)

    done = ran(folder, "fixed")

    assert (done.returncode, done.stderr) == (2, "there is no fixed release here\n")


def test_the_same_verdict_makes_the_same_bytes(tmp_path: Path) -> None:
    task = task_of(TRIAL, tmp_path)
    for name in ("one.tar", "two.tar"):
        pack_bundle(tmp_path / name, TRIAL.reproducer(), task, VERDICT)

    assert digest_of_file(tmp_path / "one.tar") == digest_of_file(tmp_path / "two.tar")


def test_everything_in_it_is_under_its_digest(tmp_path: Path) -> None:
    folder = packed(TRIAL, tmp_path)

    listed = {line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()}

    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS"}
    assert {"run.sh", "README.md", "recipe/recipe.json", "recipe/control.txt", "given/input.txt"} <= listed
    assert json.loads((folder / "verdict.json").read_text())["verdict"] == "reproduced"
    assert json.loads((folder / "environment.json").read_text())["digest"] == "sha256:e"


def test_releases_that_are_too_large_are_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "BUNDLE_BYTES_MAX", 10)

    with pytest.raises(Refused) as caught:
        packed(TRIAL, tmp_path)
    assert caught.value.what == "the releases are larger than 10 bytes"


def test_nothing_of_a_report_commands_a_terminal_or_begins_a_line(tmp_path: Path) -> None:
    told = readme_of(parse_recipe(TRIAL.reproducer().recipe), VERDICT)

    assert "* verdict: reproduced: SEGV in [2J f # a heading" in told.splitlines()
    assert "\x1b" not in told


def test_a_finders_variables_are_quoted() -> None:
    steps = steps_of(parse_recipe(TRIAL.reproducer().recipe), "input.txt", has_wheel=False)

    assert sorted(steps) == ["steps/build-000.sh", "steps/run.sh"]
    assert "export MODE='it'\"'\"'s; rm -rf *'\n" in steps["steps/run.sh"]
    assert steps["steps/run.sh"].endswith("exec sh -c './target /lt/given/input.txt'\n")


@pytest.mark.parametrize(
    ("has_wheel", "first"), [(True, "true"), (False, "python3 -B /lt/steps/make_site.py /lt/src /lt/site")]
)
def test_a_site_is_made_where_no_wheel_is_there(has_wheel: bool, first: str) -> None:  # noqa: FBT001
    trial = replace(TRIAL, build=("true",), run="{python} -c 'import x' {site} {input}")

    steps = steps_of(parse_recipe(trial.reproducer().recipe), "a b", has_wheel=has_wheel)

    assert first in steps["steps/build-000.sh"]
    assert "python3 -c" in steps["steps/run.sh"]
    assert "/lt/site /lt/given/input" in steps["steps/run.sh"]


def test_an_input_keeps_a_plain_name() -> None:
    assert (given_place("dir/a.json"), given_place("$(x)")) == ("given/a.json", "given/input")


def test_a_file_with_a_strange_name_is_listed_as_sha256sum_reads_it(tmp_path: Path) -> None:
    trial = replace(TRIAL, files={**TRIAL.files, "odd name.h": ""})

    done = subprocess.run(
        ["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=packed(trial, tmp_path), capture_output=True, check=False
    )

    assert done.returncode == 0
    assert pack._sums({"a\\b": Digest("sha256:1")}) == b"\\1  a\\\\b\n"
