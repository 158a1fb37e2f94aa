"""A report is run, by us, before a person looks: reproduced or not, how often, and is the fixed release clean.

Takes: a report's reproducer (``leadtime.recipe/1``, files, input), from *intake*.
Gives: an outcome with its evidence, decided once.
Decides: the verdict, and which run still counts (`states`).
Refuses: a late worker's result; anything but the stated moves (`Conflict`).
Standard: the recipe and the verdicts are this project's own contract.
"""

from leadtime.flow.validation.absorb import absorb_validation
from leadtime.flow.validation.affected.find import RELEASES_TRIED, RELEASES_TRIED_MAX
from leadtime.flow.validation.affected.keep import keep_survey
from leadtime.flow.validation.affected.records import AffectedRange, Bound, NewestRelease, ReleaseWord, Survey, Tried
from leadtime.flow.validation.affected.spelling import read_survey, survey_as_json
from leadtime.flow.validation.affected.survey import survey
from leadtime.flow.validation.begin import begin_validation
from leadtime.flow.validation.bench import sweep_benches
from leadtime.flow.validation.bundle.pack import pack_bundle
from leadtime.flow.validation.evidence import read_evidence
from leadtime.flow.validation.examination import (
    CHECKLISTS,
    PEOPLE_WANTED,
    Examination,
    Item,
    Unprovable,
    examine,
    is_examined,
    list_examinations,
)
from leadtime.flow.validation.give_back import give_back
from leadtime.flow.validation.kept import Begun, KeptSurvey, KeptValidation, Outcome, ValidationId
from leadtime.flow.validation.ladder.diffs import read_patch
from leadtime.flow.validation.ladder.judge_patch import PatchJudgement, judge_patch
from leadtime.flow.validation.ladder.keep import keep_judgement, read_judgements
from leadtime.flow.validation.ladder.records import JudgedPatch, KeptJudgement, Ladder, Rung, Standing, Step
from leadtime.flow.validation.ladder.spelling import judged_as_json, ladder_as_json, read_judged
from leadtime.flow.validation.prove import Progress, Workshop, as_bytes, as_json, prove, task_for
from leadtime.flow.validation.put_aside import put_aside
from leadtime.flow.validation.queue import Waiting, queue_validation, queue_validations
from leadtime.flow.validation.read import read_validation
from leadtime.flow.validation.records import FixedWord, Harness, Oracle, Verdict, Word
from leadtime.flow.validation.retry import retry_validation
from leadtime.flow.validation.smaller.minimise import Minimised, minimise, minimised_as_json
from leadtime.flow.validation.states import State
from leadtime.flow.validation.task import read_diff, read_folder
from leadtime.flow.validation.tier import Grounds, Hand, Tier, count_independent, model_family, tier_of
from leadtime.flow.validation.track_record import TrackRecord, read_track_record
from leadtime.flow.validation.turns.call import call_next
from leadtime.flow.validation.turns.urgency import note_urgency

__all__ = [
    "CHECKLISTS",
    "PEOPLE_WANTED",
    "RELEASES_TRIED",
    "RELEASES_TRIED_MAX",
    "AffectedRange",
    "Begun",
    "Bound",
    "Examination",
    "FixedWord",
    "Grounds",
    "Hand",
    "Harness",
    "Item",
    "JudgedPatch",
    "KeptJudgement",
    "KeptSurvey",
    "KeptValidation",
    "Ladder",
    "Minimised",
    "NewestRelease",
    "Oracle",
    "Outcome",
    "PatchJudgement",
    "Progress",
    "ReleaseWord",
    "Rung",
    "Standing",
    "State",
    "Step",
    "Survey",
    "Tier",
    "TrackRecord",
    "Tried",
    "Unprovable",
    "ValidationId",
    "Verdict",
    "Waiting",
    "Word",
    "Workshop",
    "absorb_validation",
    "as_bytes",
    "as_json",
    "begin_validation",
    "call_next",
    "count_independent",
    "examine",
    "give_back",
    "is_examined",
    "judge_patch",
    "judged_as_json",
    "keep_judgement",
    "keep_survey",
    "ladder_as_json",
    "list_examinations",
    "minimise",
    "minimised_as_json",
    "model_family",
    "note_urgency",
    "pack_bundle",
    "prove",
    "put_aside",
    "queue_validation",
    "queue_validations",
    "read_diff",
    "read_evidence",
    "read_folder",
    "read_judged",
    "read_judgements",
    "read_patch",
    "read_survey",
    "read_track_record",
    "read_validation",
    "retry_validation",
    "survey",
    "survey_as_json",
    "sweep_benches",
    "task_for",
    "tier_of",
]
