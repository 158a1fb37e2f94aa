"""What the demonstration says of ranges and patches, and the diff that it makes of two releases."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from leadtime.doors.cli.demo_proofs import further_lines, further_table
from leadtime.doors.play_proofs import Climbed, Further, ProofsPlayer, Proposed, Surveyed
from leadtime.doors.story import ReleasedPatch
from leadtime.flow.validation import (
    AffectedRange,
    JudgedPatch,
    Ladder,
    NewestRelease,
    ReleaseWord,
    Rung,
    Standing,
    Survey,
    Tried,
    Word,
)
from leadtime.flow.validation.ladder.records import Step
from leadtime.foundation.errors import Missing

DELIVERED = SimpleNamespace(handling=SimpleNamespace(component="pkg:pypi/example"))
HOLDS = "holds as far as was checked: 5 of 6 machine rungs hold; not checked: tests pass; no person has reviewed it yet"
P, F, N = Standing.PASSED, Standing.FAILED, Standing.NOT_CHECKED


def climbed(*standings: Standing) -> Climbed:
    steps = tuple(Step(rung, standing, f"why {rung}") for rung, standing in zip(Rung, standings, strict=True))
    judged = JudgedPatch(Word.REPRODUCED, "", "", Ladder(steps, None))
    return Climbed(Proposed(DELIVERED, "a bound", "1"), judged)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (climbed(P, P, P, F, N, N), "stops at “variants silent”: why variants_silent."),
        (
            climbed(P, P, P, P, N, P),
            f"{HOLDS}: why variants_silent; why behaviour_kept.",
        ),
        (climbed(P, P, P, P, N, F), "stops at “behaviour kept”: why behaviour_kept."),
        (climbed(P, P, P, P, F, N), "stops at “tests pass”: why tests_pass."),
        (Climbed(Proposed(DELIVERED, "a bound", "1"), None), "is not judged yet; the site goes on with it."),
        (
            Climbed(Proposed(DELIVERED, "a bound", "1"), JudgedPatch(Word.INCONCLUSIVE, "no debugger", "", None)),
            "could not be judged: no debugger.",
        ),
    ],
)
def test_a_patch_is_said_to_stop_where_it_does(found: Climbed, line: str) -> None:
    assert list(further_lines(Further((), (found,)))) == [f"The patch “a bound” {line}"]


def test_a_range_is_told_with_its_picture_and_what_is_not_found_yet_is_said_to_be() -> None:
    affected = AffectedRange("ECOSYSTEM", (), ("1", "2"), (Tried("2", ReleaseWord.CLEAN, ""),), ())
    found = Survey(NewestRelease(None, "none"), affected, "")

    lines = list(further_lines(Further((Surveyed(DELIVERED, found), Surveyed(DELIVERED, None)), ())))

    assert lines[:4] == [
        "Which releases of pypi/example are affected:",
        "  newest release: not known: none",
        "  affected releases: none (1 of 2 run)",
        "    -.",
    ]
    assert lines[-1] == "  not finished; the site goes on with it"


def test_while_it_is_found_out_there_is_a_row_for_each() -> None:
    affected = AffectedRange("ECOSYSTEM", (), ("1", "2"), (Tried("2", ReleaseWord.CLEAN, ""),), ())
    surveyed = tuple(
        Surveyed(DELIVERED, each)
        for each in (Survey(NewestRelease(None, ""), affected, ""), Survey(NewestRelease(None, ""), None, "no"), None)
    )
    further = Further(surveyed, (climbed(P, P, P, F, N, N), Climbed(Proposed(DELIVERED, "later", "2"), None)))
    console = Console(file=io.StringIO(), width=200)

    with console.capture() as told:
        console.print(further_table(further))

    for part in ("1 of 2 releases were run", "not known", "running other releases", "variants silent ✗", "climbing"):
        assert part in told.get()
    assert not further.is_whole
    assert Further(surveyed[:1], (climbed(P, P, P, P, N, P),)).is_whole


def release_of(folder: Path, version: str, text: str) -> SimpleNamespace:
    archive = folder / version
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo(f"example-{version}/lib.c")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return SimpleNamespace(archive=archive, filename=f"example-{version}.tar.gz")


def test_a_released_patch_is_what_changed_in_the_named_files_and_no_other_is_looked_for(tmp_path: Path) -> None:
    releases = {version: release_of(tmp_path, version, text) for version, text in (("1", "old\n"), ("2", "new\n"))}
    fetcher = SimpleNamespace(release=lambda purl: releases[purl.version])
    patch = ReleasedPatch(title="as in 2", before="pkg:pypi/example@1", after="pkg:pypi/example@2", files=("lib.c",))
    proofs = ProofsPlayer(SimpleNamespace(), fetcher)

    assert proofs.diff_of(patch) == b"--- a/lib.c\n+++ b/lib.c\n@@ -1 +1 @@\n-old\n+new\n"
    with pytest.raises(Missing, match="does not carry this file"):
        proofs.diff_of(patch.model_copy(update={"files": ("../secret",)}))
