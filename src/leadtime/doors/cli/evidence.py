"""``leadtime evidence``: open one piece of what a validation saw, by the digest that its verdict names."""

from __future__ import annotations

import os
import re

import click

from leadtime.flow.validation import read_evidence
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Malformed
from leadtime.foundation.settings import read_settings

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@click.command("evidence", epilog="Example: leadtime evidence sha256:9f86d0… > stdout.txt")
@click.argument("digest")
def command(digest: str) -> None:
    """Write a piece of evidence to standard output, as the hostile program or our observer wrote it.

    It lies sealed under LEADTIME_HOME/evidence on the machine that ran the validation; only its digest opens it.
    Send it to a file: it is whatever the program printed.
    """
    if not _DIGEST.match(digest):
        raise Malformed("this is not a digest", where="DIGEST", next_step="Give sha256: and 64 digits, as a verdict.")
    click.echo(read_evidence(read_settings(os.environ).home / "evidence", Digest(digest)), nl=False)
