"""A patch is judged by a runner: it goes there sealed, and what comes back is read strictly."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from leadtime.flow.validation import JudgedPatch, Word, judged_as_json
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed
from leadtime.workflows.farm.give import judge_elsewhere
from leadtime.workflows.farm.records import What
from leadtime.workflows.judge_apart import PatchAsked, read_patch_message
from tests.workflows.farm.conftest import CANARY, REPRODUCER
from tests.workflows.farm.test_farm import at_work

FOUND = JudgedPatch(Word.NOT_REPRODUCED, "none of 5 runs failed", "sha256:e", None)
ASKED = PatchAsked(REPRODUCER, CANARY, (REPRODUCER.input,))


def test_a_patch_goes_to_a_runner_sealed_and_its_judgement_comes_back(database, enrolled):
    seen = []

    def run(what, message, _stopping):
        with database.transaction(SYSTEM) as tx:
            held = bytes(tx.connection.scalar(text("select message from runs")))
        seen.append((what, read_patch_message(message), CANARY in held))
        return canonical_json(judged_as_json(FOUND))

    with at_work(enrolled.worker(run)):
        assert judge_elsewhere(database, None, ASKED, threading.Event()) == FOUND
    assert seen == [(What.JUDGE, ASKED, False)]


def test_what_a_runner_cannot_mean_is_refused(database, enrolled):
    with at_work(enrolled.worker(lambda *_: b"{}")), pytest.raises(Malformed, match="this is no judgement of a patch"):
        judge_elsewhere(database, None, ASKED, threading.Event())
