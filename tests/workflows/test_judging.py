"""A patch is handed in once, judged against each report of its flaw by itself, kept sealed, and told to its case."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from leadtime.flow import coordination, merging, validation
from leadtime.flow.coordination import EventKind
from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.merging import LinkKind
from leadtime.flow.validation import (
    JudgedPatch,
    Ladder,
    Outcome,
    Rung,
    Standing,
    Step,
    Word,
    Workshop,
    judged_as_json,
    prove,
    read_judged,
)
from leadtime.flow.validation.ladder.records import Applied
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.digests import canonical_json, digest_of
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused, Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.workflows import judge_apart, judging
from leadtime.workflows.engine import Station
from leadtime.workflows.judge_apart import PatchAsked, as_patch_message, read_patch_message
from leadtime.workflows.judging import hand_in_patch, judge_over, judge_patch
from leadtime.workflows.report_to_operator import join, merge, open_case, validate
from tests.flow.validation.brittle import Shelf, Trial
from tests.workflows.story import CANARY, Cast, a_story_report, state_of

PATCH = f"--- a/lib/leaf.c\n+++ b/lib/leaf.c\n@@ -1 +1 @@\n-int leaf;\n+int leaf; /* {CANARY} */\n".encode()
OTHER = PATCH.replace(b"leaf.c", b"stem.c")
GIVEN = Reproducer(b"{}", (NamedFile("run.py", b"1"),), NamedFile("a.json", b"{}"))


def a_ladder(reached: Rung | None) -> Ladder:
    """Return a ladder whose rungs hold up to one, with the next failing."""
    order = list(Rung)
    held = order.index(reached) + 1 if reached is not None else 0
    standings = [Standing.PASSED] * held + [Standing.FAILED] + [Standing.NOT_CHECKED] * len(order)
    steps = tuple(Step(rung, standing, f"because {CANARY}") for rung, standing in zip(order, standings, strict=False))
    return Ladder(steps, Applied(("lib/leaf.c",), ("tests/t.py",), "inner.tgz") if held else None)


def judged(reached: Rung | None = Rung.BEHAVIOUR) -> JudgedPatch:
    return JudgedPatch(Word.REPRODUCED, "stack-buffer-overflow in leaf", "sha256:e", a_ladder(reached))


UNSEEN = JudgedPatch(Word.NOT_REPRODUCED, "none of 5 runs failed", "sha256:e", None)


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def station(database, home) -> Station:
    return Station(database, None, read_settings({"LEADTIME_HOME": str(home), "LEADTIME_RANGE_RELEASES": "0"}))


@pytest.fixture
def proven(cast, station):
    """Hand a report in, decide it, merge it and open or join its case."""

    def prove(reference: str, **told: object):
        report = cast.hand_in(a_story_report(reference, **told))
        cast.decide(report)
        merge(station, report)
        with station.database.transaction(SYSTEM) as tx:
            flaw = merging.vulnerability_of(tx, report)
        open_case(station, flaw)
        return report

    return prove


@pytest.fixture
def given(cast, database):
    """Hand a patch in to a report's case as its coordinator; return it."""

    def give(report, content: bytes = PATCH, by: Viewer | None = None):
        case = cast.case(report).case.id
        with database.transaction(by or cast.coordinator) as tx:
            return hand_in_patch(tx, case, content).patch

    return give


def file_of(database, viewer, patch) -> coordination.PatchFile:
    with database.transaction(viewer) as tx:
        return coordination.read_patch(tx, patch.id)


def jobs_of(database, kind: str = "judge_patch") -> int:
    return [name for name, _ in state_of(database)["jobs"]].count(kind)


def never(*_) -> JudgedPatch:
    raise AssertionError


def story_of(cast, report) -> list[tuple[EventKind, str]]:
    kinds = (EventKind.PATCH_HANDED_IN, EventKind.PATCH_JUDGED)
    return [(event.kind, event.note) for event in cast.case(report).history if event.kind in kinds]


def test_a_patch_is_judged_against_each_report_once_and_its_case_says_so(cast, proven, given, station, clock):
    first, second = proven("A-1"), proven("A-2", line=519)
    patch, asked = given(first), []

    def judge(settings, question: PatchAsked, _stopping):
        asked.append((settings.home, question.patch, question.reproducer.input.content, len(question.known)))
        return judged(Rung.BUILDS if len(asked) == 2 else Rung.BEHAVIOUR)

    for _ in range(3):
        judge_patch(judge, station, patch.id)

    assert [(home, content, known) for home, content, _, known in asked] == [(station.settings.home, PATCH, 1)] * 2
    assert asked[0][2] != asked[1][2]
    file = file_of(cast.database, cast.coordinator, patch)
    assert file.content == PATCH
    order = sorted((first, second))
    assert [(each.report, each.judged_at, each.found) for each in file.judgements] == [
        (order[0], clock.now(), judged()),
        (order[1], clock.now(), judged(Rung.BUILDS)),
    ]
    assert story_of(cast, first) == [
        (EventKind.PATCH_HANDED_IN, digest_of(PATCH)),
        (EventKind.PATCH_JUDGED, f"{digest_of(PATCH)} reaches: behaviour kept, with report {order[0]}"),
        (EventKind.PATCH_JUDGED, f"{digest_of(PATCH)} reaches: builds, with report {order[1]}"),
    ]
    with cast.database.transaction(SYSTEM) as tx:
        noted = tx.connection.execute(text("select report, patch, silenced from patch_outcomes order by report")).all()
    assert noted == [(order[0], digest_of(PATCH), True), (order[1], digest_of(PATCH), False)]


@pytest.mark.parametrize("case", [(UNSEEN, "not_reproduced"), (judged(None), "nothing")])
def test_what_showed_no_silence_is_told_and_no_sign_of_anything(cast, proven, given, station, case):
    found, told = case
    report = proven("A-1")
    patch = given(report)

    judge_patch(lambda *_: found, station, patch.id)

    assert file_of(cast.database, cast.coordinator, patch).judgements[0].found == found
    assert story_of(cast, report)[-1][1] == f"{digest_of(PATCH)} reaches: {told}, with report {report}"
    with cast.database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(text("select count(*) from patch_outcomes")) == 0


def test_nothing_of_a_patch_or_its_ladder_lies_in_clear(cast, proven, given, station):
    patch = given(proven("A-1"))
    judge_patch(lambda *_: judged(), station, patch.id)

    with cast.database.transaction(SYSTEM) as tx:
        rows = [tuple(row) for row in tx.connection.execute(text("select * from patches"))]
        rows += [tuple(row) for row in tx.connection.execute(text("select * from patch_judgements"))]
    held = repr(rows).encode() + b"".join(bytes(each) for row in rows for each in row if isinstance(each, bytes))
    for secret in (CANARY, "leaf", digest_of(PATCH).removeprefix("sha256:"), "behaviour"):
        assert secret.encode() not in held


def test_killed_between_judging_and_keeping_it_is_judged_again_and_kept_once(cast, proven, given, station, monkeypatch):
    patch = given(proven("A-1"))

    def dies(*_, **__):
        raise Unavailable("the worker is stopping")

    with pytest.raises(Unavailable):
        judge_patch(dies, station, patch.id)
    with monkeypatch.context() as patched:
        patched.setattr(merging, "note_patch_outcome", dies)
        with pytest.raises(Unavailable):
            judge_patch(lambda *_: judged(), station, patch.id)
    assert file_of(cast.database, cast.coordinator, patch).judgements == ()
    assert jobs_of(cast.database) == 1

    judge_patch(lambda *_: judged(), station, patch.id)

    assert len(file_of(cast.database, cast.coordinator, patch).judgements) == 1
    assert jobs_of(cast.database) == 2


def test_of_two_workers_that_judged_the_same_the_first_is_kept_and_told(cast, proven, given, station):
    report = proven("A-1")
    patch = given(report)

    def slow(*_):
        judge_patch(lambda *_: judged(), station, patch.id)
        return judged(Rung.APPLIES)

    judge_patch(slow, station, patch.id)

    assert [each.found for each in file_of(cast.database, cast.coordinator, patch).judgements] == [judged()]
    assert len(story_of(cast, report)) == 2
    assert jobs_of(cast.database) == 2


def test_the_same_bytes_are_one_patch_and_one_job(cast, proven, given):
    report = proven("A-1")
    patch = given(report)
    cast.deliver(report)

    assert given(report, by=cast.maintainer) == patch
    assert jobs_of(cast.database) == 1
    other = given(report, OTHER, by=cast.maintainer)
    assert (other.organisation, other.person) == (cast.maintainer.organisation, cast.maintainer.person)
    assert (other.digest, other.size_bytes) == (digest_of(OTHER), len(OTHER))
    with cast.database.transaction(cast.maintainer) as tx:
        assert coordination.list_patches(tx, patch.case) == (other, patch)


def test_the_first_run_goes_before_reports_that_wait_and_the_others_behind_them(proven, given, database, station):
    proven("A-1")
    patch = given(proven("A-2", line=519))
    judge_patch(lambda *_: judged(), station, patch.id)

    with database.transaction(SYSTEM) as tx:
        query = "select priority from procrastinate_jobs where task_name = 'judge_patch' order by priority desc"
        assert tx.connection.scalars(text(query)).all() == [1, 0]


def test_a_report_that_joins_later_is_judged_with_the_newest_patch_alone(cast, proven, given, station):
    report = proven("A-1")
    old, new = given(report), given(report, OTHER)
    for patch in (old, new):
        judge_patch(lambda *_: judged(), station, patch.id)
    waiting = jobs_of(cast.database)

    later = proven("A-2", line=519)

    assert jobs_of(cast.database) == waiting + 1
    judge_patch(lambda *_: judged(), station, new.id)
    assert {each.report for each in file_of(cast.database, cast.coordinator, new).judgements} == {report, later}
    assert {each.report for each in file_of(cast.database, cast.coordinator, old).judgements} == {report}


def test_no_more_reports_are_run_than_the_bound(cast, proven, given, station, monkeypatch):
    monkeypatch.setattr(judging, "REPORTS_JUDGED_MAX", 1)
    patch = given(proven("A-1"))
    judge_patch(lambda *_: judged(), station, patch.id)
    waiting = jobs_of(cast.database)

    proven("A-2", line=519)

    judge_patch(never, station, patch.id)
    assert jobs_of(cast.database) == waiting


@pytest.fixture
def alike(proven, cast, database, monkeypatch):
    """Two flaws that are suggested to be one, each with a report."""
    mine, theirs = proven("A-1"), proven("B-1", function="other")
    flaws = [cast.case(report).case.vulnerability for report in (mine, theirs)]
    found = merging.read_alike

    def suggested(tx, flaw):
        (other,) = set(flaws) - {flaw}
        return found(tx, flaw) or (merging.Alike(other, LinkKind.SAME_NAMES, why=None),)

    monkeypatch.setattr(merging, "read_alike", suggested)
    return mine, theirs


def test_a_patch_that_ends_its_flaw_is_tried_on_the_one_beside_and_joins_nothing(alike, cast, given, station):
    mine, theirs = alike
    patch, asked = given(mine), []

    def judge(_settings, question: PatchAsked, _stopping):
        asked.append((question.reproducer.input.content, question.known))
        return judged(Rung.REPRODUCER)

    for _ in range(4):
        judge_patch(judge, station, patch.id)

    assert [known for _, known in asked] == [(), ()]
    assert b"other" in asked[1][0]
    flaw, other = (cast.case(report).case.vulnerability for report in alike)
    with cast.database.transaction(cast.coordinator) as tx:
        (found,) = merging.read_alike(tx, flaw)
    assert (found.vulnerability, found.kind) == (other, LinkKind.SAME_PATCH)
    assert [each.report for each in file_of(cast.database, cast.coordinator, patch).judgements] == [mine]
    assert len(story_of(cast, mine)) == 2
    assert story_of(cast, theirs) == []


def test_one_that_does_not_end_its_own_flaw_is_tried_on_no_other(alike, given, station):
    patch = given(alike[0])
    judge_patch(lambda *_: judged(Rung.BUILDS), station, patch.id)

    judge_patch(never, station, patch.id)


def test_flaws_that_are_joined_keep_their_patches_once(alike, cast, given, station):
    mine, theirs = alike
    patches = {given(mine).id: PATCH, given(theirs).id: PATCH, given(theirs, OTHER).id: OTHER}
    flaws = [cast.case(report).case.vulnerability for report in alike]
    with cast.database.transaction(cast.coordinator) as tx:
        join(tx, *flaws, reason="one root")

    case = cast.case(mine).case.id
    with cast.database.transaction(cast.coordinator) as tx:
        held = coordination.list_patches(tx, case)
        assert sorted(coordination.read_patch(tx, each.id).content for each in held) == sorted([PATCH, OTHER])
    (gone,) = set(patches) - {each.id for each in held}
    judge_patch(never, station, gone)


def test_who_holds_a_link_hands_in_and_reads_and_no_stranger_does(cast, proven, given, station):
    report = proven("A-1")
    case = cast.case(report).case.id
    link = cast.deliver(report)
    with cast.database.transaction(SYSTEM) as tx:
        entry = coordination.enter_delivery(tx, link.secret)
    patch = given(report, by=entry.viewer)
    judge_patch(lambda *_: judged(), station, patch.id)

    assert (patch.organisation, patch.person) == (cast.maintainer.organisation, None)
    assert file_of(cast.database, entry.viewer, patch).judgements[0].found == judged()
    for viewer, error in ((cast.finder, Refused), (cast.other_finder, Missing), (cast.operator, Missing)):
        with cast.database.transaction(viewer) as tx:
            with pytest.raises(error):
                hand_in_patch(tx, case, OTHER)
            with pytest.raises(error):
                coordination.list_patches(tx, case)
            with pytest.raises(error):
                coordination.read_patch(tx, patch.id)
            with pytest.raises((Missing, Refused)):
                validation.read_judgements(tx, patch.digest)


def test_a_maintainer_who_may_open_no_report_reads_how_far_a_patch_climbs(cast, proven, given, station):
    report = proven("A-1")
    case = cast.case(report).case.id
    with cast.database.transaction(cast.coordinator) as tx:
        coordination.add_participant(tx, case, cast.maintainer.organisation)
    patch = given(report, by=cast.maintainer)
    judge_patch(lambda *_: judged(), station, patch.id)

    assert file_of(cast.database, cast.maintainer, patch).judgements[0].found == judged()


def test_what_is_no_diff_or_comes_too_late_or_is_one_too_many_is_refused(cast, proven, given, monkeypatch):
    report = proven("A-1")
    with pytest.raises(Malformed, match="there is no hunk in the patch"):
        given(report, b"please change leaf")
    with pytest.raises(Malformed, match="a patch has at most 262144 bytes, this one has 262145"):
        given(report, PATCH + b"#" * (262_145 - len(PATCH)))
    monkeypatch.setattr(coordination.rules, "PATCHES_MAX", 1)
    cast.deliver(report)
    given(report)
    given(report, OTHER, by=cast.maintainer)
    with pytest.raises(Refused, match="an organisation hands in at most 1 patches to a case"):
        given(report, OTHER + b"\n", by=cast.maintainer)
    with cast.database.transaction(cast.coordinator) as tx:
        coordination.close_case(tx, cast.case(report).case.id, reason="done")
    with pytest.raises(Conflict, match="a closed case takes no patch"):
        given(report, OTHER + b"\n")


def test_only_a_worker_keeps_what_it_ran(cast, proven):
    report = proven("A-1")
    with cast.database.transaction(cast.coordinator) as tx, pytest.raises(Refused) as caught:
        validation.keep_judgement(tx, report, digest_of(PATCH), judged())
    assert caught.value.what == "only a worker keeps what it ran"


@pytest.mark.parametrize("found", [UNSEEN, judged(None), judged(Rung.TESTS), judged()])
def test_a_judgement_is_read_as_it_was_told(found):
    assert read_judged(canonical_json(judged_as_json(found))) == found


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"verdict": "fine"}, "$.verdict"),
        ({"verdict": "harness_fault"}, "$.patch"),
        ({"reason": 7}, "$.reason"),
        ({"environment": "x" * 5_001}, "$.environment"),
        ({"patch": None}, "$.patch"),
        ({"patch": {}}, "$.patch.rungs"),
    ],
)
def test_a_judgement_that_cannot_be_meant_is_refused(change, where):
    with pytest.raises(Malformed) as caught:
        read_judged(canonical_json(judged_as_json(judged()) | change))
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"rungs": [{"rung": "applies", "passed": True, "reason": ""}]}, "$.patch.rungs"),
        ({"rungs": [{"rung": "flies", "passed": True, "reason": ""}]}, "$.patch.rungs"),
        ({"rungs": [{"rung": "applies", "passed": 1, "reason": ""}]}, "$.patch.rungs"),
        ({"rungs": [{"rung": "applies", "reason": ""}]}, "$.patch.rungs"),
        ({"rungs": [{"rung": "applies", "passed": None}]}, "$.patch.rungs.reason"),
        ({"rungs": [7]}, "$.patch.rungs"),
        ({"touched": "all"}, "$.patch.touched"),
        ({"left_out": [7]}, "$.patch.left_out"),
        ({"archive": None}, "$.patch.archive"),
    ],
)
def test_a_ladder_that_cannot_be_meant_is_refused(change, where):
    told = judged_as_json(judged())
    with pytest.raises(Malformed) as caught:
        read_judged(canonical_json(told | {"patch": told["patch"] | change}))
    assert caught.value.where == where


def test_the_question_to_its_process_is_read_as_it_was_asked_and_its_answer_strictly(home, monkeypatch):
    asked = PatchAsked(GIVEN, PATCH + b"\xff", (NamedFile("b", b"\x00"),))
    assert read_patch_message(as_patch_message(asked)) == asked
    for message in (b"{}", b'{"reproducer":{},"patch":"","known":[]}', b'{"reproducer":[],"patch":7,"known":[]}'):
        with pytest.raises(Malformed):
            read_patch_message(message)
    settings = read_settings({"LEADTIME_HOME": str(home)})
    told = canonical_json(judged_as_json(judged())).decode()
    monkeypatch.setattr(judging, "APART", f"import sys\nsys.stdin.read()\nprint({told!r})")
    assert judge_over(settings, asked, threading.Event()) == judged()
    monkeypatch.setattr(judging, "APART", "print('{}')")
    with pytest.raises(Malformed):
        judge_over(settings, asked, threading.Event())


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        (None, judged()),
        (Refused("no such needs", next_step="Drop it."), replace(UNSEEN, word=Word.INCONCLUSIVE, environment="")),
        (Unavailable("no index", next_step="Wait."), None),
    ],
)
def test_its_process_decides_what_is_refused_and_puts_off_what_is_not_there(home, monkeypatch, ended, found):
    settings = read_settings({"LEADTIME_HOME": str(home)})
    asked = PatchAsked(GIVEN, PATCH, (NamedFile("b", b"1"),))

    class Told:
        found = judged()

    def judge(reproducer, patch, _fetcher, _workshop, *, known, stopping):
        assert (reproducer, patch, known, stopping.is_set()) == (GIVEN, PATCH, asked.known, False)
        if ended is not None:
            raise ended
        return Told()

    monkeypatch.setattr(judge_apart, "judge_patch", judge)
    if found is None:
        with pytest.raises(Unavailable):
            judge_apart.answer(asked, settings, threading.Event())
        return
    answer = read_judged(judge_apart.answer(asked, settings, threading.Event()))
    assert answer == (found if ended is None else replace(found, reason=str(ended)))


@pytest.mark.sandbox
def test_a_patch_that_changes_nothing_is_seen_through_from_its_hand_in_to_its_history(cast, station, tmp_path):
    raw = json.loads(a_story_report("A-1"))
    given = Trial().reproducer()
    raw["reproducer"] = {
        "recipe": json.loads(given.recipe),
        "files": {file.name: base64.b64encode(file.content).decode() for file in given.files},
        "input": {"name": given.input.name, "base64": base64.b64encode(given.input.content).decode()},
    }
    report = cast.hand_in(json.dumps(raw).encode())
    shelf, workshop = Shelf(tmp_path), Workshop(tmp_path / "cache", tmp_path / "evidence", None, "nobody")

    def prove_here(begun, stopping):
        verdict = prove(begun.reproducer, shelf, workshop, stopping=stopping)
        return Outcome(verdict.word.value, verdict.crash.signature, validation.as_bytes(verdict))

    def judge_here(_settings, asked, stopping):
        return validation.judge_patch(asked.reproducer, asked.patch, shelf, workshop, stopping=stopping).found

    validate(prove_here, station, report)
    merge(station, report)
    with station.database.transaction(SYSTEM) as tx:
        flaw = merging.vulnerability_of(tx, report)
    open_case(station, flaw)
    with station.database.transaction(SYSTEM) as tx:
        entry = coordination.enter_delivery(tx, cast.deliver(report).secret)
    idle = b"--- a/README\n+++ b/README\n@@ -1 +1 @@\n-Brittle.\n+Hardened.\n"
    with station.database.transaction(entry.viewer) as tx:
        patch = hand_in_patch(tx, entry.delivery.case, idle).patch

    judge_patch(judge_here, station, patch.id)

    (kept,) = file_of(station.database, entry.viewer, patch).judgements
    assert [step.standing for step in kept.found.ladder.steps[:3]] == [
        Standing.PASSED,
        Standing.PASSED,
        Standing.FAILED,
    ]
    assert story_of(cast, report)[-1][1] == f"{digest_of(idle)} reaches: builds, with report {report}"


def test_those_who_coordinate_alone_read_what_a_patch_comes_to_elsewhere(cast):
    agency = Viewer(Role.AGENCY, cast.operator.organisation)
    with cast.database.transaction(agency) as tx, pytest.raises((Missing, Refused)):
        validation.read_judgements(tx, digest_of(PATCH))
