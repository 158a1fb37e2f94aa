"""What terms, variants and upstreams must look like before anybody decides on them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import inet_aton
from urllib.parse import urlsplit

from leadtime.flow.window.records import GrantWanted, Limits, Terms, Upstream, Variant
from leadtime.flow.window.rules import is_barred_word
from leadtime.flow.window.vocabulary import DeveloperMay, RecordMode
from leadtime.foundation.errors import Malformed
from leadtime.foundation.markings import Marking, check_unmarked

NAME_CHARS_MAX = 100
LINE_CHARS_MAX = 300
NOTE_CHARS_MAX = 2_000
CREDENTIAL_CHARS_MAX = 4_096
PURPOSES_MAX = 20
VARIANTS_MAX = 20
NETWORKS_MAX = 50
RETENTION_DAYS_MAX = 3_650
LIMIT_MAX = 10**15
CONCURRENCY_MAX = 10_000
YEARS = range(2000, 2200)
"""Dates beyond are slips of the hand; those at the ends of the calendar have no UTC."""

METADATA = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where clouds hand out a machine's own credentials at addresses that are not link-local."""

NAT64 = bytes.fromhex("0064ff9b") + bytes(8)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def check_model_name(name: str, *, where: str) -> str:
    """Return a name that programs send: letters, digits, dot, dash and underscore; raises `Malformed`."""
    if len(name) > NAME_CHARS_MAX or not _NAME.match(name):
        raise Malformed(
            f"a name is 1 to {NAME_CHARS_MAX} letters, digits, dots, dashes and underscores",
            where=where,
            next_step="Write it like orion-1.",
        )
    return name


def check_line(text: str, *, where: str, held: Collection[Marking], chars_max: int = LINE_CHARS_MAX) -> str:
    """Return one line of unmarked text without the space around it; raises `Malformed` or `Refused`."""
    stripped = text.strip()
    if not stripped:
        raise Malformed("this is empty", where=where, next_step="Fill it in.")
    return check_note(stripped, where=where, held=held, chars_max=chars_max)


def check_note(text: str, *, where: str, held: Collection[Marking], chars_max: int = NOTE_CHARS_MAX) -> str:
    """Return unmarked text without the space around it, which may be empty; raises `Malformed` or `Refused`."""
    stripped = text.strip()
    if len(stripped) > chars_max:
        raise Malformed(f"this has more than {chars_max} characters", where=where, next_step="Shorten it.")
    if _UNSEEN.search(stripped.replace("\n", "").replace("\t", "")):
        raise Malformed("this holds characters that cannot be seen", where=where, next_step="Remove them.")
    return check_unmarked(stripped, where=where, held=held)


def check_variants(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Return a model's variants; raises `Malformed` for none, too many, two of a name, or one that cannot be meant."""
    if not 1 <= len(variants) <= VARIANTS_MAX:
        raise Malformed(f"a model has 1 to {VARIANTS_MAX} variants", where="variants", next_step="Name them.")
    if len({variant.name for variant in variants}) < len(variants):
        raise Malformed("two variants have one name", where="variants", next_step="Name them apart.")
    for variant in variants:
        _check_variant(variant)
    return variants


def _check_variant(variant: Variant) -> None:
    check_model_name(variant.name, where="variants.name")
    if len(variant.upstream_model) > LINE_CHARS_MAX or not _PRINTABLE.match(variant.upstream_model):
        raise Malformed(
            "this is no name of an upstream model",
            where="variants.upstream_model",
            next_step="Write it as the upstream does.",
        )
    if variant.declared_digest is not None and not _DIGEST.match(variant.declared_digest):
        raise Malformed(
            "a digest is sha256: and 64 lowercase hexadecimal digits",
            where="variants.declared_digest",
            next_step="Copy it from where the checkpoint was made.",
        )
    if not (0 <= variant.input_price <= LIMIT_MAX and 0 <= variant.output_price <= LIMIT_MAX):
        raise Malformed(f"a price is 0 to {LIMIT_MAX}", where="variants.price", next_step="Correct it.")


def check_upstream(upstream: Upstream) -> Upstream:
    """Return where a hosted model is reached; raises `Malformed` for what is no such address or credential.

    Link-local addresses and clouds' others are refused: behind them clouds hand out the machine's own credentials.
    """
    wrong = Malformed(
        "this is no upstream address", where="upstream", next_step="Write it like https://api.example.org/v1."
    )
    try:
        parts = urlsplit(upstream.address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    plain = _PRINTABLE.match(upstream.address) and len(upstream.address) <= LINE_CHARS_MAX
    if not plain or parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        raise wrong
    if parts.query or parts.fragment or is_closed(host):
        raise wrong
    if len(upstream.credential) > CREDENTIAL_CHARS_MAX or not _PRINTABLE.match(upstream.credential or "-"):
        raise Malformed("this is no credential", where="credential", next_step="Copy it from the upstream.")
    return Upstream(address=upstream.address.rstrip("/"), credential=upstream.credential)


def is_closed(host: str) -> bool:
    """Tell whether a host is an address, in any spelling, behind which no upstream is; names are not looked up here."""
    written = host.removesuffix(".")
    try:
        address = ip_address(written)
    except ValueError:
        try:
            address = IPv4Address(inet_aton(written))  # what connecting takes: 2852039166, 0xa9.254.169.254, 0251.254.1
        except OSError:
            return "%" in host
    if isinstance(address, IPv6Address):
        address = _inner(address) or address
    return address in METADATA or address.is_link_local or address.is_multicast or address.is_unspecified


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for: mapped, compatible, by NAT64 (RFC 6052) or 6to4."""
    if address.packed[:12] in {bytes(12), NAT64}:
        return IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address.sixtofour


def check_terms(terms: Terms, variants: Collection[str], *, held: Collection[Marking]) -> Terms:
    """Return an agreement's terms with its networks in one spelling; raises `Malformed` or `Refused`.

    ``variants``: the names that the model has.
    """
    if not 1 <= len(terms.purposes) <= PURPOSES_MAX:
        raise Malformed(f"an agreement has 1 to {PURPOSES_MAX} purposes", where="purposes", next_step="Name them.")
    purposes = tuple(check_line(purpose, where="purposes", held=held) for purpose in terms.purposes)
    if any(is_barred_word(purpose) for purpose in purposes):
        raise Malformed("a barred use is no purpose", where="purposes", next_step="Say what the access is for.")
    if not set(terms.variants) <= set(variants):
        raise Malformed("the model has no such variant", where="variants", next_step="Choose one that it has.")
    if not 1 <= terms.retention_days <= RETENTION_DAYS_MAX:
        raise Malformed(
            f"records are kept 1 to {RETENTION_DAYS_MAX} days", where="retention_days", next_step="Choose within that."
        )
    if terms.record_mode is RecordMode.SEALED and DeveloperMay.READ_CONTENT not in terms.developer_may:
        raise Malformed(
            "sealed records open to both sides, and these terms do not let the developer read content",
            where="developer_may",
            next_step="Add read content, or keep commitments only.",
        )
    return replace(
        terms,
        instrument=check_line(terms.instrument, where="instrument", held=held),
        purposes=purposes,
        export_note=check_note(terms.export_note, where="export_note", held=held),
        limits=check_limits(terms.limits, where="limits"),
        networks=check_networks(terms.networks),
    )


def check_wanted(wanted: GrantWanted, variants: Collection[str], *, held: Collection[Marking]) -> GrantWanted:
    """Return a wanted grant that can be meant, with its networks in one spelling; raises `Malformed` or `Refused`."""
    if not set(wanted.variants) <= set(variants):
        raise Malformed("the model has no such variant", where="variants", next_step="Choose one that it has.")
    if wanted.key_thumbprint is not None and not _THUMBPRINT.match(wanted.key_thumbprint):
        raise Malformed(
            "a key's thumbprint has 43 characters of base64url (RFC 7638)",
            where="key_thumbprint",
            next_step="Compute it from the client's public key.",
        )
    return replace(
        wanted,
        purpose=check_line(wanted.purpose, where="purpose", held=held),
        ends_at=check_instant(wanted.ends_at, where="ends_at"),
        limits=check_limits(wanted.limits, where="limits"),
        networks=check_networks(wanted.networks),
    )


def check_limits(limits: Limits, *, where: str) -> Limits:
    """Return limits of at least 1 each; raises `Malformed` naming the one that is not."""
    bounds = {
        "requests": (limits.requests, LIMIT_MAX),
        "tokens": (limits.tokens, LIMIT_MAX),
        "concurrency": (limits.concurrency, CONCURRENCY_MAX),
        "micro_usd": (limits.micro_usd, LIMIT_MAX),
    }
    for name, (limit, most) in bounds.items():
        if limit is not None and not 1 <= limit <= most:
            raise Malformed(f"this limit is 1 to {most}", where=f"{where}.{name}", next_step="Correct it.")
    return limits


def check_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Return networks in one spelling (CIDR, RFC 4632 and RFC 4291); raises `Malformed`."""
    if len(networks) > NETWORKS_MAX:
        raise Malformed(f"there are at most {NETWORKS_MAX} networks", where="networks", next_step="Join them.")
    try:
        return tuple(str(ip_network(network)) for network in networks)
    except ValueError:
        raise Malformed("this is no network", where="networks", next_step="Write it like 192.0.2.0/24.") from None


def check_instant(date: datetime | None, *, where: str) -> datetime | None:
    """Return an instant in UTC, None for none; raises `Malformed` without a time zone or outside `YEARS`."""
    if date is None:
        return None
    if date.tzinfo is None:
        raise Malformed("a time zone is missing", where=where, next_step="Add one, like +00:00.")
    if date.year not in YEARS:
        raise Malformed("this is no date that is meant", where=where, next_step="Check the year.")
    return date.astimezone(UTC)
