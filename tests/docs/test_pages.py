"""The documentation says what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from leadtime.doors.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#:]+?)(#[^)]*)?\)")


def test_pages_made_from_the_code_are_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda p: str(p.name))
def test_every_link_between_pages_leads_somewhere(page):
    lost = [target for target, _ in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert lost == []


def test_every_command_that_the_readme_shows_exists():
    shown = set(re.findall(r"^leadtime (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert shown - COMMANDS.keys() == set()
    assert len(shown) > 4
