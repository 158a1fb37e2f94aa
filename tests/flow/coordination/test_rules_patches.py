"""When a case takes another patch."""

from __future__ import annotations

import pytest

from leadtime.flow.coordination.records import CaseState
from leadtime.flow.coordination.rules import PATCH_BYTES_MAX, PATCHES_MAX, check_patch
from leadtime.foundation.errors import Conflict, LeadtimeError, Malformed, Refused


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.CLOSED])
def test_a_case_that_is_not_closed_takes_patches_up_to_the_bounds(state):
    check_patch(state, PATCH_BYTES_MAX, handed_in=PATCHES_MAX - 1)


@pytest.mark.parametrize(
    ("state", "size_bytes", "handed_in", "refusal", "sentence"),
    [
        (
            CaseState.CLOSED,
            1,
            0,
            Conflict,
            "case: a closed case takes no patch. Ask a coordinator to open it again.",
        ),
        (
            CaseState.OPEN,
            262_145,
            0,
            Malformed,
            "patch: a patch has at most 262144 bytes, this one has 262145. Send only what fixes this flaw.",
        ),
        (
            CaseState.OPEN,
            1,
            20,
            Refused,
            (
                "patch: an organisation hands in at most 20 patches to a case. "
                "Try a patch on your own machine with leadtime validate --patch."
            ),
        ),
    ],
)
def test_beyond_them_it_is_refused_in_a_sentence(state, size_bytes, handed_in, refusal, sentence):
    with pytest.raises(LeadtimeError) as caught:
        check_patch(state, size_bytes, handed_in=handed_in)
    assert (type(caught.value), str(caught.value)) == (refusal, sentence)
