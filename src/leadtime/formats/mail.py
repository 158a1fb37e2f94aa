"""Mail (RFC 5322, MIME: RFC 2045 to 2047 and 2231): its few headers that matter, its text and what is attached.

Read with the standard library's parser under ``compat32``, whose headers are plain text until they are asked for. What
makes it slow or deep (lines, parts, nesting) is counted in the raw bytes before it begins.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from leadtime.formats.limits import (
    COMPONENT_TEXT_CHARS_MAX,
    MAIL_BYTES_MAX,
    MAIL_LINES_MAX,
    MAIL_NESTED_MAX,
    MAIL_PARTS_MAX,
    TOLD_CHARS_MAX,
)
from leadtime.foundation.errors import Malformed

HEADER_BYTES_MAX = 8 << 10
"""One header with its folded lines: the parser's time grows with the square of it."""

BOUNDARIES_MAX = 10_000
"""Lines that may begin a part: each could become an object of the parser."""

HEAD_BYTES = 64 << 10
"""How far recognition looks."""

_NESTING = re.compile(rb"(?i)(?:multipart|message)/")
_PART = re.compile(rb"(?im)^content-(?:type|disposition):[^\n]*(?:\n[ \t][^\n]*)*")
_NOTICE = re.compile(rb"(?i)message/delivery-status")
_CHARSET = re.compile(
    r"(?:us-)?ascii|utf-?(?:8|16|32)(?:[bl]e)?|(?:iso-8859-|windows-|cp)[0-9]{1,4}|latin-?1|koi8-[ru]"
    r"|gb(?:2312|k|18030)|big5|shift_jis|euc-(?:jp|kr)|iso-2022-jp"
)
"""Charsets that are decoded; others that Python knows take time that grows with the square of a text."""

_TAG = re.compile(r"<[^<>]{0,10000}>")
_HEADER = re.compile(rb"[!-9;-~]{1,80}:")
_OF_MAIL = (b"from:", b"date:", b"message-id:", b"received:", b"return-path:", b"mime-version:")
_UNREADABLE = (MessageError, LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)
"""What the standard library raises over hostile headers and parts; each is one more way to say that they are wrong."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file: the name that it was sent under (its last part alone), its media type and its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; headers are decoded, empty where they are missing, and prove nothing of who sent it.

    ``text`` is the plain text; where there is none, the HTML without its tags, so that what it hides is shown.
    """

    subject: str
    message_id: str
    text: str
    attachments: tuple[Attachment, ...]


def is_mail(raw: bytes) -> bool:
    """Tell whether bytes begin as a mail does: header lines, one of them that mails have."""
    for line in raw[:HEAD_BYTES].lstrip(b"\r\n").split(b"\n"):
        if line.lower().startswith(_OF_MAIL):
            return True
        if not line.startswith((b" ", b"\t", b"From ")) and not _HEADER.match(line):
            return False
    return False


def read_mail(raw: bytes) -> Mail:
    """Return a mail; raises `Malformed` for one that is too large, too nested, encrypted, or that cannot be read."""
    if len(raw) > MAIL_BYTES_MAX:
        raise _too_many(MAIL_BYTES_MAX, "bytes")
    plain = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    _check_shape(plain)
    try:
        return _mail(BytesParser(policy=compat32).parsebytes(plain))
    except _UNREADABLE:
        raise Malformed("this mail cannot be read", where="$", next_step="Send its parts as files.") from None


def _check_shape(plain: bytes) -> None:
    headers = _PART.findall(plain)
    counted = (
        (plain.count(b"\n"), MAIL_LINES_MAX, "lines"),
        (plain.count(b"\n--"), BOUNDARIES_MAX, "lines that begin with two dashes"),
        (len(headers), 2 * MAIL_PARTS_MAX, "headers that describe a part"),
        (max(map(len, headers), default=0), HEADER_BYTES_MAX, "bytes in such a header"),
        (len(_NESTING.findall(b"\n".join(headers))), MAIL_NESTED_MAX, "parts that have parts"),
    )
    for count, count_max, what in counted:
        if count > count_max:
            raise _too_many(count_max, what)
    if any(_NOTICE.search(each) for each in headers):
        raise Malformed("this is a notice about a mail's delivery", where="Content-Type", next_step="Leave it out.")


def _too_many(count_max: int, what: str) -> Malformed:
    return Malformed(f"a mail has at most {count_max} {what}", where="$", next_step="Send its parts as files.")


def _mail(message: Message) -> Mail:
    if message.get_content_type() == "multipart/encrypted" or b"-----BEGIN PGP MESSAGE-----" in _content(message):
        raise Malformed("this mail is encrypted", where="Content-Type", next_step="Decrypt it first.")
    plain: list[str] = []
    marked_up: list[str] = []
    attachments: list[Attachment] = []
    for part in _parts(message):
        kind, name = part.get_content_type(), _file_name(part)
        if name or part.get_content_disposition() == "attachment" or kind not in {"text/plain", "text/html"}:
            attachments.append(Attachment(name or f"part-{len(attachments) + 1}", kind, _content(part)))
        else:
            (plain if kind == "text/plain" else marked_up).append(_text(part))
    text = "\n\n".join(plain) or "\n\n".join(html.unescape(_TAG.sub(" ", each)) for each in marked_up)
    return Mail(
        subject=_header(message, "subject"),
        message_id=_header(message, "message-id").strip("<> "),
        text=_whole(text)[:TOLD_CHARS_MAX],
        attachments=tuple(attachments),
    )


def _parts(message: Message) -> Iterator[Message]:
    """Give every part that has no parts; an attached mail counts as its parts."""
    for part in message.walk():
        if not part.is_multipart():
            yield part


def _content(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: Message) -> str:
    return _decoded(_content(part), part.get_content_charset())


def _decoded(content: bytes, charset: str | None) -> str:
    known = charset if charset and _CHARSET.fullmatch(charset.lower()) else "utf-8"
    try:
        return content.decode(known, errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def _header(message: Message, name: str) -> str:
    """Return a header's text on one line, its encoded words decoded (RFC 2047), empty where it is missing."""
    raw = str(message.get(name, ""))[:HEADER_BYTES_MAX]
    try:
        parts = [_decoded(part, charset) if isinstance(part, bytes) else part for part, charset in decode_header(raw)]
    except _UNREADABLE:
        parts = [raw]
    return _whole(" ".join("".join(parts).split()))[:COMPONENT_TEXT_CHARS_MAX]


def _file_name(part: Message) -> str:
    """Return the last part of an attachment's name: nothing is ever written under it."""
    name = _whole(part.get_filename() or "").replace("\\", "/")
    return name.rpartition("/")[2][:COMPONENT_TEXT_CHARS_MAX]


def _whole(text: str) -> str:
    """Return a text without lone surrogates, which stand for a header's bytes that are not ASCII."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
