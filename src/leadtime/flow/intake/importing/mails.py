"""Reports from a mail: those attached whole, else one from its text, with the recipe and files that are attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from leadtime.flow.intake import limits
from leadtime.flow.intake.beside import named_by, pack_reproducer
from leadtime.flow.intake.fields import Fields
from leadtime.flow.intake.importing.forms import ReportForm
from leadtime.flow.intake.importing.records import Given, Imported, NotRead
from leadtime.flow.intake.importing.texts import draft_write_up
from leadtime.flow.intake.importing.write import checked, write_report
from leadtime.flow.intake.reproducers import RECIPE_SCHEMA
from leadtime.flow.intake.rules import SCHEMA
from leadtime.formats.mail import Attachment, Mail, read_mail
from leadtime.formats.report_markdown import read_write_up
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, read_json


def import_mail(raw: bytes, given: Given) -> Iterator[Imported]:
    """Give each report that a mail holds; raises `Malformed` for a mail that cannot be read."""
    mail = read_mail(raw)
    documents = [(each, _document(each.content)) for each in mail.attachments]
    whole = [(each, document) for each, document in documents if document.get("schema") == SCHEMA]
    recipes = [(each, document) for each, document in documents if document.get("schema") == RECIPE_SCHEMA]
    for number, (attachment, document) in enumerate(whole):
        where = f"attachment {number + 1}"
        others = [each for each in mail.attachments if each is not attachment]
        try:
            yield checked(_with_files(document, others), where, ReportForm.MAIL, attachment.content)
        except Malformed as error:
            yield NotRead(where, error)
    if not whole:
        yield _from_text(mail, recipes, raw, given)


def _from_text(
    mail: Mail, recipes: Sequence[tuple[Attachment, Mapping[str, Json]]], raw: bytes, given: Given
) -> Imported:
    found = read_write_up(mail.text)
    draft = draft_write_up(replace(found, title=mail.subject or found.title), "$", "", raw)
    if not draft.reference and mail.message_id:
        draft = replace(draft, reference=f"mail:{mail.message_id}")
    if not recipes:
        return write_report(draft, ReportForm.MAIL, given)
    try:
        reproducer = _reproducer(mail, recipes, found.words.get("input", ""))
    except Malformed as error:
        return NotRead("$", error)
    return write_report(replace(draft, reproducer=reproducer), ReportForm.MAIL, given)


def _reproducer(mail: Mail, recipes: Sequence[tuple[Attachment, Mapping[str, Json]]], input_name: str) -> Json:
    """Return the reproducer that a recipe's attachments make; the input is the one named, or the one that is left."""
    (attachment, recipe), *more = recipes
    if more:
        raise Malformed("two recipes are attached", where="attachments", next_step="Send one mail for each.")
    names = named_by(Fields.of(dict(recipe), "recipe"))
    others = [each for each in mail.attachments if each is not attachment]
    left = [each.name for each in others if each.name not in names]
    chosen = input_name or (left[0] if len(left) == 1 else "")
    if not chosen:
        raise Malformed(
            "it is not clear which attachment is the input",
            where="attachments",
            next_step="Name it in a line of the mail, like Input: crash.bin.",
        )
    reproducer: Json = {"recipe": dict(recipe), "files": list(names), "input": chosen}
    return _with_files({"reproducer": reproducer}, others)["reproducer"]


def _with_files(report: Mapping[str, Json], attachments: Sequence[Attachment]) -> dict[str, Json]:
    """Return a report whose reproducer carries the attachments that it names."""
    held = {each.name: each.content for each in attachments}

    def read(_: str, name: str, where: str, bytes_max: int) -> bytes:
        content = held.get(name.rpartition("/")[2])
        if content is None or len(content) > bytes_max:
            raise Malformed("no attachment has this name", where=where, next_step="Attach the file.")
        return content

    packed = dict(report)
    if packed.get("reproducer") is not None:
        packed["reproducer"] = pack_reproducer(Fields.of(packed["reproducer"], "$.reproducer"), read)
    return packed


def _document(content: bytes) -> Mapping[str, Json]:
    """Return an attachment as JSON, empty for whatever is not an object within a report's bounds."""
    if not content.lstrip().startswith(b"{"):
        return {}
    try:
        found = read_json(content, limits.REPORT_BOUNDS)
    except Malformed:
        return {}
    return found if isinstance(found, dict) else {}
