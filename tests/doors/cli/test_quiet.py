from __future__ import annotations

import subprocess
import sys

CODE = """
import logging, sys
from leadtime.doors.cli import main
main.quiet_libraries()
import leadtime.doors.cli.advisory
assert "csaf" not in sys.modules
from leadtime.formats.csaf_rules import failures_of
failures_of({}, None)
assert "csaf" in sys.modules
logging.getLogger("alembic.runtime").info("told to nobody")
logging.getLogger("httpx").info("told to nobody")
logging.getLogger("somebody").warning("a warning is told")
"""


def test_what_libraries_do_in_passing_is_not_told_and_csaf_is_loaded_only_for_csaf() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "somebody: a warning is told\n")
