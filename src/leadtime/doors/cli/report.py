"""``leadtime report``: pack report files of every form and hand them in to a server, one or a stream of many."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile

import click
import httpx

from leadtime.doors.cli.asking import open_client
from leadtime.doors.problems import problem_of
from leadtime.doors.visible import visible_line
from leadtime.flow.intake import Given, Imported, LeftOut, NotRead, ReportForm, pack_reports
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Malformed, Refused, Unavailable
from leadtime.foundation.settings import read_settings

EXIT_REFUSED = 2
EXIT_UNAVAILABLE = 5
SERVER_FAULT = 500
ANSWER_SECONDS_MAX = 300.0
SPOOL_MEMORY_BYTES_MAX = 32 << 20
ANSWER_CHARS_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """One report that is ready to be sent: what to call it in answers, and the digest its receipt must have."""

    label: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one report: a receipt (``code`` 0) or a problem; or why it was not sent (``code`` 0)."""

    label: str
    code: int
    receipt: Mapping[str, object]
    problem: Mapping[str, object]
    left_out: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the answer as one JSON object."""
        if self.left_out:
            return {"report": self.label, "left_out": self.left_out}
        told = {"receipt": self.receipt} if self.code == 0 else {"problem": self.problem}
        return {"report": self.label, **told}

    def as_line(self) -> str:
        """Return the answer as one line for people."""
        if self.left_out:
            return visible_line(f"{self.label}: left out, {self.left_out}")
        if self.code == 0:
            reference = self.receipt.get("reference")
            known = f" ({reference})" if reference else ""
            return visible_line(f"{self.label}: received as {self.receipt.get('id')}{known}")
        told = [str(self.problem.get(name) or "") for name in ("where", "detail", "next_step")]
        own = told[0].removeprefix(self.label.rpartition(", ")[2]).lstrip(":, ")
        where = f"{own}: " if own else ""
        return visible_line(f"{self.label}: {where}{told[1].rstrip('.')}. {told[2]}").rstrip()


@click.command("report", epilog="Example: leadtime report findings/*.json scan.sarif --component pkg:pypi/name@1.0")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ReportForm]),
    help="What the files are; without it each is told by its content.",
)
@click.option("--component", default="", help="The software (a purl) that files are about which do not say it.")
@click.option("--tool", default="", help="The tool that found what files report which do not say it.")
@click.option("--json", "as_json", is_flag=True, help="Print each answer as one JSON object a line.")
def command(files: tuple[Path, ...], *, form: str | None, component: str, tool: str, as_json: bool) -> int:
    """Hand in reports to the server at LEADTIME_URL, as the person of LEADTIME_TOKEN.

    A file holds one leadtime.report/1 (one a line in .ndjson and .jsonl files), or SARIF, OSV, CSAF, CSV, Markdown or
    an e-mail, of which each result, vulnerability, row or attached report becomes one. Files that a report names by
    path (its recipe, the files beside it, the input) are packed into it; they must lie in the report's folder. Nothing
    is sent before every file has been read, and what was received is received once however often it is sent.
    """
    settings = read_settings(os.environ)
    if settings.token is None:
        raise Refused("a token is needed", where="LEADTIME_TOKEN", next_step="Set it to the one you were given.")
    told: list[Answered] = []
    with (
        SpooledTemporaryFile(max_size=SPOOL_MEMORY_BYTES_MAX) as spool,
        open_client(settings, answer_seconds=ANSWER_SECONDS_MAX) as client,
    ):
        packed: list[Packed] = []
        for label, each in _read_all(files, ReportForm(form) if form else None, Given(component, tool)):
            if isinstance(each, LeftOut):
                told.append(Answered(label, 0, {}, {}, left_out=each.why))
            elif isinstance(each, NotRead):
                told.append(Answered(label, EXIT_REFUSED, {}, problem_of(each.problem).as_json()))
            else:
                packed.append(_spooled(spool, label, each.content))
        spool.seek(0)
        return _print_all(chain(told, hand_in(client, packed, spool)), settings.url, as_json=as_json)


def _print_all(answers: Iterable[Answered], url: str, *, as_json: bool) -> int:
    """Print every answer as it comes, for people how many of each there were, and return the exit code."""
    code, counts = 0, Counter[str]()
    for each in answers:
        code = max(code, _print(each, as_json=as_json))
        counts["left out" if each.left_out else "not received" if each.code else "received"] += 1
    if not as_json and counts.total() > 1:
        told = ", ".join(f"{counts[word]} {word}" for word in ("received", "not received", "left out") if counts[word])
        click.echo(visible_line(f"{told}. Follow your reports at {url.rstrip('/')}/reports."), err=True)
    return code


def _print(answered: Answered, *, as_json: bool) -> int:
    """Print one answer, and return its exit code."""
    line = json.dumps(answered.as_json()) if as_json else answered.as_line()
    click.echo(line, err=not as_json and answered.code != 0)
    return answered.code


def hand_in(client: httpx.Client, packed: list[Packed], lines: SpooledTemporaryFile[bytes]) -> Iterator[Answered]:
    """Send reports (``lines``: one a line, as many as ``packed``) and give each answer as it comes.

    Raises `Unavailable` if the server does not answer or stops before the last one; sending again is safe.
    """
    try:
        if len(packed) == 1:
            yield _hand_in_one(client, packed[0], lines.read().rstrip(b"\n"))
        elif packed:
            yield from _hand_in_many(client, packed, lines)
    except httpx.HTTPError as problem:
        raise _unavailable(client, type(problem).__name__) from None


def _hand_in_one(client: httpx.Client, report: Packed, content: bytes) -> Answered:
    headers = {"content-type": "application/json", "idempotency-key": report.digest}
    answer = client.post("/api/v1/reports", content=content, headers=headers)
    told = _object(answer.text)
    return _answered(report, told, {}) if answer.is_success else _answered(report, {}, told, answer.status_code)


def _hand_in_many(client: httpx.Client, packed: list[Packed], lines: SpooledTemporaryFile[bytes]) -> Iterator[Answered]:
    headers = {"content-type": "application/x-ndjson"}
    with client.stream("POST", "/api/v1/reports/batch", content=iter(lines), headers=headers) as answer:
        if not answer.is_success:
            answer.read()
            raise _refusal(client, answer)
        count = 0
        for line in answer.iter_lines():
            told = _object(line)
            number = told.get("line")
            if not isinstance(number, int) or not 1 <= number <= len(packed):
                raise _unavailable(client, "an answer names no line")
            yield _answered(packed[number - 1], _member(told, "receipt"), _member(told, "problem"))
            count += 1
    if count < len(packed):
        raise _unavailable(client, f"{count} of {len(packed)} reports were answered")


def _answered(report: Packed, receipt: dict[str, object], problem: dict[str, object], status: int = 0) -> Answered:
    if receipt and receipt.get("digest") == report.digest:
        return Answered(report.label, 0, receipt, {})
    if receipt:
        problem = {"detail": "the receipt is for other content", "next_step": "Tell the server's people."}
    told = problem or {"detail": "the server answered nothing that can be read", "next_step": "Try again."}
    known = told.get("status")
    failed = (status or (known if isinstance(known, int) else SERVER_FAULT)) >= SERVER_FAULT
    return Answered(report.label, EXIT_UNAVAILABLE if failed else EXIT_REFUSED, {}, told)


def _read_all(files: tuple[Path, ...], form: ReportForm | None, given: Given) -> Iterator[tuple[str, Imported]]:
    """Give each report of all files by what answers call it: its file, and its place where there are more."""
    for path in files:
        reports = pack_reports(path, form, given)
        first, second = next(reports, None), next(reports, None)
        if first is None:
            raise Malformed("this file holds no report", where=str(path), next_step="Leave it out.")
        if second is None:
            yield str(path), first
            continue
        for number, report in enumerate(chain((first, second), reports), start=1):
            yield f"{path}, {report.where or f'report {number}'}", report


def _spooled(spool: SpooledTemporaryFile[bytes], label: str, report: bytes) -> Packed:
    spool.write(report + b"\n")
    return Packed(label, digest_of(report))


def _object(text: str) -> dict[str, object]:
    try:
        told = json.loads(text) if len(text) <= ANSWER_CHARS_MAX else None
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {}


def _member(told: dict[str, object], name: str) -> dict[str, object]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _refusal(client: httpx.Client, answer: httpx.Response) -> Refused | Unavailable:
    told = _object(answer.text)
    what = str(told.get("detail") or f"the server answered {answer.status_code}")
    if answer.status_code >= SERVER_FAULT:
        return _unavailable(client, what)
    return Refused(what, where=str(client.base_url), next_step=str(told.get("next_step") or "Check LEADTIME_TOKEN."))


def _unavailable(client: httpx.Client, reason: str) -> Unavailable:
    return Unavailable(
        f"the server did not answer every report ({reason})",
        where=str(client.base_url),
        next_step="Send the same files again; what was received stays received once.",
    )
