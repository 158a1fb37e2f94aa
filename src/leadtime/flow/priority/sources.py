"""Reads the files of CISA's KEV catalogue and Vulnrichment into entries, within bounds and without trusting a name.

KEV: one JSON document (schema of cisagov/kev-data). Vulnrichment: CVE records (CVE JSON 5) one a line, one alone, in a
JSON list, gzipped, or in a zip of ``.json`` files; CISA's answers are in its ADP container.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime

from leadtime.flow.priority.records import Answer, Exploitation, Impact, KevEntry, SourceContent, SourceKind, SsvcEntry
from leadtime.flow.priority.rules import YEAR_MAX, YEAR_MIN
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

FILE_BYTES_MAX = 1 << 30
RECORD_BYTES_MAX = 4 << 20
ENTRIES_MAX = 1_000_000
TEXT_CHARS_MAX = 4096

CATALOGUE = JsonBounds(bytes_max=64 << 20, depth_max=16, values_max=4_000_000)
RECORD = JsonBounds(bytes_max=RECORD_BYTES_MAX, depth_max=64, values_max=200_000)
LIST = JsonBounds(bytes_max=64 << 20, depth_max=65, values_max=4_000_000)

CISA_ADP = "CISA-ADP"

_CVE = re.compile(r"CVE-\d{4}-\d{4,19}\Z")
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


def read_source(kind: SourceKind, raw: bytes) -> SourceContent:
    """Return what a file of ``kind`` holds; raises `Malformed` naming the first entry that cannot be read."""
    return _read_kev(raw) if kind is SourceKind.KEV else _read_vulnrichment(raw)


def _read_kev(raw: bytes) -> SourceContent:
    document = _object(read_json(_unpacked(raw, CATALOGUE.bytes_max), CATALOGUE), "$")
    found = document.get("vulnerabilities")
    if not isinstance(found, list) or len(found) > ENTRIES_MAX:
        raise Malformed("this is not a KEV catalogue", where="$.vulnerabilities", next_step="Load CISA's JSON file.")
    entries = tuple(_kev_entry(_object(item, where), where) for item, where in _placed(found, "$.vulnerabilities"))
    _once(entry.cve for entry in entries)
    return SourceContent(_instant(document.get("dateReleased"), "$.dateReleased"), entries)


def _kev_entry(entry: dict[str, Json], where: str) -> KevEntry:
    forensic = entry.get("forensicTriage")
    return KevEntry(
        cve=_cve(entry.get("cveID"), f"{where}.cveID"),
        added=_date(entry.get("dateAdded"), f"{where}.dateAdded"),
        due=_date(entry["dueDate"], f"{where}.dueDate") if entry.get("dueDate") else None,
        forensic=forensic if isinstance(forensic, bool) else None,
        ransomware=entry.get("knownRansomwareCampaignUse") == "Known",
        required_action=_text(entry.get("requiredAction", ""), f"{where}.requiredAction"),
    )


def _read_vulnrichment(raw: bytes) -> SourceContent:
    entries = [entry for record, where in _records(raw) if (entry := _ssvc_entry(record, where)) is not None]
    if not entries:
        raise Malformed(
            "no CVE record in this file carries CISA's SSVC answers",
            where="$",
            next_step="Load Vulnrichment's CVE records: JSON, one a line, gzipped or zipped.",
        )
    _once(entry.cve for entry in entries)
    return SourceContent(max(entry.as_of for entry in entries), tuple(entries))


def _ssvc_entry(record: dict[str, Json], where: str) -> SsvcEntry | None:
    """Return CISA's SSVC answers in a CVE record; None where it has none (rejected, or not yet assessed)."""
    cve = _cve(_member(record, "cveMetadata", "cveId"), f"{where}.cveMetadata.cveId")
    containers = _member(record, "containers", "adp")
    for container in containers if isinstance(containers, list) else []:
        if _member(container, "providerMetadata", "shortName") != CISA_ADP:
            continue
        metrics = _member(container, "metrics")
        for metric in metrics if isinstance(metrics, list) else []:
            if _member(metric, "other", "type") == "ssvc":
                return _answers(cve, _member(metric, "other", "content"), f"{where}.containers.adp")
    return None


def _answers(cve: str, content: Json, where: str) -> SsvcEntry:
    options = _member(content, "options")
    said: dict[str, str] = {}
    for option in options if isinstance(options, list) else []:
        said.update({name: text.lower() for name, text in _object(option, where).items() if isinstance(text, str)})
    exploitation, automatable, impact = (said.get(name) for name in ("Exploitation", "Automatable", "Technical Impact"))
    as_of = _instant(_member(content, "timestamp"), f"{where}.timestamp")
    if as_of is None:
        raise Malformed("CISA's answers carry no date", where=where, next_step="Load the record as CISA publishes it.")
    try:
        return SsvcEntry(
            cve=cve,
            exploitation=Exploitation(exploitation) if exploitation else None,
            automatable=Answer(automatable) if automatable else Answer.UNKNOWN,
            impact=Impact(impact) if impact else None,
            as_of=as_of,
        )
    except ValueError:
        raise Malformed(
            "an SSVC answer is none that SSVC knows", where=where, next_step="Load the record as CISA publishes it."
        ) from None


def _records(raw: bytes) -> Iterator[tuple[dict[str, Json], str]]:
    """Yield each record of a zip, a list, a single document or lines, with its place for error messages."""
    if raw.startswith(_ZIP):
        yield from _zipped(raw)
        return
    content = _unpacked(raw, FILE_BYTES_MAX)
    if content.lstrip()[:1] == b"[":
        found = read_json(content, LIST)
        for item, where in _placed(found if isinstance(found, list) else [], "$"):
            yield _object(item, where), where
        return
    if content.lstrip()[:1] == b"{" and _is_one_document(content):
        yield _object(read_json(content, RECORD), "$"), "$"
        return
    for number, line in enumerate(io.BytesIO(content), start=1):
        if number > ENTRIES_MAX:
            raise Malformed(f"there are more than {ENTRIES_MAX} lines", where="$", next_step="Load fewer records.")
        if line.strip():
            yield _object(_read_record(line.strip(), f"line {number}"), f"line {number}"), f"line {number}"


def _is_one_document(content: bytes) -> bool:
    """Tell a document spread over lines from one record a line: the first line of the former does not close it."""
    first, _, rest = content.strip().partition(b"\n")
    return not rest or not first.rstrip().endswith(b"}")


def _zipped(raw: bytes) -> Iterator[tuple[dict[str, Json], str]]:
    """Yield the records of a zip's ``.json`` members; nothing is written, so names can lead nowhere."""
    bytes_left = FILE_BYTES_MAX
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".json")]
            if len(members) > ENTRIES_MAX:
                raise Malformed(f"there are more than {ENTRIES_MAX} files", where="$", next_step="Load fewer records.")
            for number, member in enumerate(members, start=1):
                with archive.open(member) as stream:
                    content = stream.read(min(RECORD_BYTES_MAX, bytes_left) + 1)
                bytes_left -= len(content)
                if bytes_left < 0:
                    raise _too_large(FILE_BYTES_MAX)
                record = _read_record(content, f"file {number}")
                if isinstance(record, dict) and "cveMetadata" in record:
                    yield record, f"file {number}"
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        raise Malformed("this zip cannot be read", where="$", next_step="Load it as CISA publishes it.") from None


def _read_record(content: bytes, where: str) -> Json:
    try:
        return read_json(content, RECORD)
    except Malformed as error:
        raise Malformed(error.what, where=f"{where}: {error.where}", next_step=error.next_step) from None


def _unpacked(raw: bytes, bytes_max: int) -> bytes:
    """Return the content of a plain or gzipped file, never unpacking more than ``bytes_max``."""
    if not raw.startswith(_GZIP):
        content = raw
    else:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
                content = stream.read(bytes_max + 1)
        except (OSError, EOFError, zlib.error):
            raise Malformed("this gzip file cannot be read", where="$", next_step="Fetch it again.") from None
    if len(content) > bytes_max:
        raise _too_large(bytes_max)
    return content


def _too_large(bytes_max: int) -> Malformed:
    return Malformed(f"this unpacks to more than {bytes_max} bytes", where="$", next_step="Load fewer records.")


def _once(cves: Iterator[str]) -> None:
    seen: set[str] = set()
    for cve in cves:
        if cve in seen:
            raise Malformed(f"{cve} stands twice in this file", where="$", next_step="Keep one.")
        seen.add(cve)


def _placed(items: list[Json], where: str) -> Iterator[tuple[Json, str]]:
    return ((item, f"{where}[{number}]") for number, item in enumerate(items))


def _member(value: Json, *names: str) -> Json:
    """Return what lies at a path of names, None where any step is missing or no object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise Malformed("an object is expected here", where=where, next_step="Load the file as CISA publishes it.")
    return value


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX or "\0" in value:
        raise Malformed(
            f"a text of at most {TEXT_CHARS_MAX} characters is expected here", where=where, next_step="Correct it."
        )
    return value


def _cve(value: Json, where: str) -> str:
    if not isinstance(value, str) or not _CVE.match(value):
        raise Malformed("a CVE number is expected here", where=where, next_step="Load the file as CISA publishes it.")
    return value


def _date(value: Json, where: str) -> date:
    try:
        found = date.fromisoformat(_text(value, where))
    except ValueError:
        raise _no_date("a date (YYYY-MM-DD)", where) from None
    if not YEAR_MIN <= found.year <= YEAR_MAX:
        raise _no_date(f"a date between {YEAR_MIN} and {YEAR_MAX}", where)
    return found


def _instant(value: Json, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(_text(value, where))
    except ValueError:
        raise _no_date("an instant (RFC 3339)", where) from None
    if not YEAR_MIN <= at.year <= YEAR_MAX:
        raise _no_date(f"an instant between {YEAR_MIN} and {YEAR_MAX}", where)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _no_date(what: str, where: str) -> Malformed:
    return Malformed(f"{what} is expected here", where=where, next_step="Load the file as CISA publishes it.")
