"""Work as a runner until SIGTERM or Ctrl-C: then give back what runs, and leave."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from functools import partial

from leadtime.foundation.errors import Refused
from leadtime.foundation.settings import Settings
from leadtime.workflows.farm.records import What
from leadtime.workflows.farm.runner import Runner, read_runner_keys
from leadtime.workflows.judging import APART as JUDGE_APART
from leadtime.workflows.proving import APART as PROVE_APART
from leadtime.workflows.proving import run_apart
from leadtime.workflows.surveying import APART as SURVEY_APART

CODE: Mapping[What, str] = {What.PROVE: PROVE_APART, What.SURVEY: SURVEY_APART, What.JUDGE: JUDGE_APART}
"""What the process runs for each thing that can be asked."""


def work_as_runner(settings: Settings, *, slots: int) -> None:
    """Take runs that were sealed to this host's key, ``slots`` at once, until this process is told to stop.

    Raises `Missing` where it knows no installation, `Refused` where no database is named or it is not admitted.
    """
    if settings.database_url is None:
        raise Refused(
            "a runner needs the address of its installation's database",
            where="LEADTIME_DATABASE_URL",
            next_step="Set it with the user and the password that leadtime runner add printed.",
        )
    own, installation = read_runner_keys(settings.home)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    Runner(settings.database_url, own, installation, partial(_run, settings), slots, stopping).work()


def _run(settings: Settings, what: What, message: bytes, stopping: threading.Event) -> bytes:
    """Do what is asked, in a process of its own."""
    return run_apart(settings, message, stopping, code=CODE[what])
