"""``leadtime held``: ask a server whether flaws are held already, without telling it which."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from leadtime.doors.cli.asking import call
from leadtime.doors.visible import visible_line
from leadtime.flow.intake import ReadReport, name_of, pack_reports, parse_report
from leadtime.flow.merging import Clue, FingerprintKind, fingerprints_of
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.packages.purls import parse_purl
from leadtime.private_match import ASKED_MAX, Asker

EXIT_NOT_HELD = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One finding: what to call it, and its fingerprints, strongest first."""

    label: str
    fingerprints: tuple[tuple[FingerprintKind, bytes], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What came back for one finding: by which fingerprint it is held (None: it is not), and the asker's own cases."""

    label: str
    by: FingerprintKind | None
    cases: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as one JSON object."""
        return {"finding": self.label, "held": self.by is not None, "by": self.by, "cases": list(self.cases)}


@click.command(
    "held", epilog="Example: leadtime held --project pkg:pypi/ujson --file lib/ultrajsonenc.c --function encode"
)
@click.option("--project", help="The project, as a purl; its version does not matter.")
@click.option("--file", "file", default="", help="The file that the flaw is in, as the release has it.")
@click.option("--function", default="", help="The function; without one give the line.")
@click.option("--line", type=click.IntRange(min=1), help="The line.")
@click.option("--cwe", default="", help="The weakness, such as CWE-787.")
@click.option("--signature", default="", help="The crash's signature, as leadtime validate prints it.")
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Reports that would be handed in, instead: all their places are asked for; may be given again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    *,
    project: str | None,
    file: str,
    function: str,
    line: int | None,
    cwe: str,
    signature: str,
    reports: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Ask the server at LEADTIME_URL whether it holds a flaw already, as the person of LEADTIME_TOKEN.

    The server learns that something was asked, not what: not the project either. You learn of your own findings alone
    whether they are held, and whom to talk to. Exit code 0: at least one is held; 3: none is.
    """
    if (project is None) == (not reports):
        raise Malformed("name a project or give reports", where="held", next_step="Give --project, or --report FILE.")
    if project is not None:
        clue = Clue(_project(project), file, function, line, cwe, signature)
        asked = [_asked(file or function or project, [clue], where="held")]
    else:
        asked = [each for path in reports for each in _read(path)]
        if not asked:
            raise Malformed(
                "no report here can be asked for", where="--report", next_step="Give each a file with a line."
            )
    asker = Asker.of(_wanted(asked))
    answer = call("POST", "/held", {"request": base64.b64encode(asker.request).decode()})
    told = _told(asked, asker, answer)
    _tell(told, answer, as_json=as_json)
    return 0 if any(each.by for each in told) else EXIT_NOT_HELD


def _project(written: str) -> str:
    return str(parse_purl(written, where="--project").without_version())


def _read(path: Path) -> Iterator[Asked]:
    """Give the findings of a file of reports, of whatever form; one that names no place is left out, and said.

    Raises `Malformed` for a report that names no package.
    """
    for number, found in enumerate(pack_reports(path), start=1):
        if not isinstance(found, ReadReport):
            continue
        body, where = parse_report(found.content), f"{path}, {found.where or f'report {number}'}"
        project = _project(name_of(body.component))
        clues = [Clue(project, at.file, at.function or "", at.line, body.cwe or "") for at in body.locations]
        if any(fingerprints_of(clue) for clue in clues):
            yield _asked(where, clues, where=where)
        else:
            why = "it says too little of where the flaw lies. Give a file with a function or a line."
            click.echo(visible_line(f"{where}: left out, {why}"), err=True)


def _asked(label: str, clues: Sequence[Clue], *, where: str) -> Asked:
    found = dict(pair[::-1] for clue in clues for pair in fingerprints_of(clue))
    if not found:
        raise Malformed(
            "this says too little of where the flaw lies",
            where=where,
            next_step="Give a file with a function or a line.",
        )
    strength = list(FingerprintKind)
    return Asked(
        label, tuple(sorted(((kind, mark) for mark, kind in found.items()), key=lambda p: strength.index(p[0])))
    )


def _wanted(asked: Sequence[Asked]) -> list[bytes]:
    wanted = list(dict.fromkeys(mark for each in asked for _, mark in each.fingerprints))
    if len(wanted) > ASKED_MAX:
        raise Malformed(
            f"these findings have more than {ASKED_MAX} fingerprints",
            where="--report",
            next_step="Ask in several parts.",
        )
    return wanted


def _told(asked: Sequence[Asked], asker: Asker, answer: dict[str, object]) -> list[Told]:
    """Return what an answer says of each finding; raises `Unavailable` where it cannot be read."""
    try:
        held = asker.read(base64.b64decode(str(answer.get("answer")), validate=True))
    except (ValueError, Malformed):
        raise Unavailable("the server's answer cannot be read", where="held", next_step="Check LEADTIME_URL.") from None
    return [
        Told(
            each.label,
            next((kind for kind, mark in each.fingerprints if mark in held), None),
            tuple(number for number, own in _own(answer) if any(mark.hex() in own for _, mark in each.fingerprints)),
        )
        for each in asked
    ]


def _own(answer: dict[str, object]) -> Iterator[tuple[str, frozenset[str]]]:
    own = answer.get("own")
    for each in own if isinstance(own, list) else []:
        yield str(each["number"]), frozenset(map(str, each["fingerprints"]))


def _tell(told: Sequence[Told], answer: dict[str, object], *, as_json: bool) -> None:
    rest = {name: answer.get(name) for name in ("coordinators", "contact", "as_of", "spent", "budget", "renewed_at")}
    if as_json:
        click.echo(json.dumps({"findings": [each.as_json() for each in told], **rest}))
        return
    for each in told:
        by = f"held, by {each.by}" if each.by else "not held"
        cases = f"; yours: {', '.join(each.cases)}" if each.cases else ""
        click.echo(visible_line(f"{each.label}: {by}{cases}"))
    if any(each.by for each in told):
        names = answer.get("coordinators")
        who = ", ".join(map(str, names)) if isinstance(names, list) and names else "its coordinators"
        click.echo(visible_line(f"Talk to {who}: {answer.get('contact')}"))
    click.echo(
        visible_line(
            f"Of what was held at {rest['as_of']}; a report counts once it is validated and merged. "
            f"{rest['spent']} of {rest['budget']} fingerprints asked for today."
        ),
        err=True,
    )
