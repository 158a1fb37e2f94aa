"""Where AppArmor withholds user namespaces, the doctor gives the profile that lets bubblewrap have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.sandbox.apparmor import ADVICE, PROFILE, PROFILE_FILE, namespace_advice


def test_a_machine_that_withholds_namespaces_is_told_the_profile_and_how_to_load_it(tmp_path: Path) -> None:
    restriction = tmp_path / "restriction"
    restriction.write_text("1\n")

    advice = namespace_advice(restriction)

    assert PROFILE in advice
    assert f"apparmor_parser -r {PROFILE_FILE}" in advice
    assert "profile leadtime-bwrap /usr/bin/bwrap flags=(unconfined) {\n  userns,\n}\n" in PROFILE


@pytest.mark.parametrize("said", ["0\n", "", None])
def test_any_other_machine_is_told_of_the_kernel_and_of_containers(tmp_path: Path, said: str | None) -> None:
    restriction = tmp_path / "restriction"
    if said is not None:
        restriction.write_text(said)

    assert namespace_advice(restriction) == ADVICE
