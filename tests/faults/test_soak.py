"""Workers are killed at random moments while reports flow; in the end every report has had its one effect."""

from __future__ import annotations

import random
import subprocess
import time

import pytest

from tests.faults.test_killed_workers import Scene, scene  # noqa: F401  # a fixture
from tests.workflows.story import a_story_report, state_of

REPORTS = 120
WORKERS = 3
FLAWS = 12
SOAK_SECONDS_MAX = 900
KILL_AFTER_SECONDS = (0.5, 4.0)
SEED = 20260803


@pytest.mark.soak
def test_workers_killed_at_random_lose_and_double_nothing(scene: Scene):  # noqa: F811
    chance = random.Random(SEED)
    end = time.monotonic() + SOAK_SECONDS_MAX
    left = [a_story_report(f"S-{number}", function=f"leaf{number % FLAWS}") for number in range(REPORTS)]
    workers: list[subprocess.Popen] = []
    killed = 0
    while left or state_of(scene.database)["jobs"]:
        assert time.monotonic() < end, state_of(scene.database)
        for raw in left[:4]:
            scene.cast.hand_in(raw)
        del left[:4]
        alive = [worker for worker in workers if worker.poll() is None]
        fresh = [scene.doomed("nothing", 0, "never") for _ in range(WORKERS - len(alive))]
        workers += fresh
        victim = chance.choice([*alive, *fresh])
        try:
            victim.wait(chance.uniform(*KILL_AFTER_SECONDS))
        except subprocess.TimeoutExpired:
            victim.kill()
            killed += 1
    for worker in workers:
        worker.kill()
        worker.communicate()

    after = state_of(scene.database)
    assert killed >= WORKERS
    assert after["validated"] == [("decided", "reproduced")] * REPORTS
    assert (after["reports"], after["merged_reports"], after["case_reports"]) == (REPORTS, REPORTS, REPORTS)
    assert (after["vulnerabilities"], after["cases"], after["set_aside"]) == (FLAWS, FLAWS, 0)
