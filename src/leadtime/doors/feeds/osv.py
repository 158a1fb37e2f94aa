"""``/osv/``: every published advisory as OSV records, listed page by page and as one archive. Nothing else is in it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from uuid import UUID

from leadtime.flow import advisory
from leadtime.flow.advisory import AdvisoryId, PublishedAdvisory
from leadtime.formats.osv import osv_id, write_osv
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Unavailable

PAGE_RECORDS = 1_000
ARCHIVE_RECORDS_MAX = 200_000
"""Records of one archive; whoever publishes more needs a feed of changes instead."""

ARCHIVE_MEMORY_BYTES = 16 << 20
"""An archive up to this size is made in memory, a larger one on disk."""

PIECE_BYTES = 1 << 16
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of every member: equal records are equal bytes."""


def list_records(tx: Transaction, after: AdvisoryId | None) -> dict[str, object]:
    """Return one page of the index: each record's id, address and last change, and where the next page begins."""
    found = advisory.list_published(tx, after=after, limit=PAGE_RECORDS)
    return {
        "archive": "/osv/all.zip",
        "records": [
            {"id": name, "href": f"/osv/{name}.json", "modified": each.modified_at.isoformat()}
            for each in found
            for name in [osv_id(each.document.number)]
        ],
        "cursor": str(found[-1].id) if len(found) == PAGE_RECORDS else None,
    }


def write_archive(tx: Transaction) -> Iterator[bytes]:
    """Return a zip of all published records, piece by piece; the same records are the same bytes.

    It is made whole before the first piece leaves, so that no half archive is ever sent.
    """
    packed = SpooledTemporaryFile(max_size=ARCHIVE_MEMORY_BYTES)  # noqa: SIM115  # closed when its pieces are sent
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in _published(tx):
            archive.writestr(
                zipfile.ZipInfo(f"{osv_id(each.document.number)}.json", EPOCH),
                write_osv(each.document),
                zipfile.ZIP_DEFLATED,
            )
    packed.seek(0)
    return _pieces(packed)


def _pieces(packed: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with packed:
        yield from iter(lambda: packed.read(PIECE_BYTES), b"")


def _published(tx: Transaction) -> Iterator[PublishedAdvisory]:
    after: UUID | None = None
    for _ in range(ARCHIVE_RECORDS_MAX // PAGE_RECORDS):
        page = advisory.list_published(tx, after=AdvisoryId(after) if after else None, limit=PAGE_RECORDS)
        yield from page
        if len(page) < PAGE_RECORDS:
            return
        after = page[-1].id
    raise Unavailable(
        f"the archive has at most {ARCHIVE_RECORDS_MAX} records", where="/osv/all.zip", next_step="Read /osv/ by pages."
    )
