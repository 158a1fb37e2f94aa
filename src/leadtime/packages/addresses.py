"""Where an address that a stranger wrote may lead: to public places, and to hosts that the operator has named."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from leadtime.foundation.errors import Refused, Unavailable

Look = Callable[[str], Iterable[str]]
"""Returns the addresses of a host; raises OSError where it has none."""

_TRANSLATED = ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last four bytes are an IPv4 address."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """An address whose host is the very machine that was looked at; ``host`` is the name that it is asked by."""

    address: str
    host: str
    name: str


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets only public addresses through, and the hosts of ``opened`` wherever they are."""

    opened: frozenset[str]
    look: Look

    def pin(self, address: str, *, what: str) -> Pinned:
        """Return ``address`` with its host looked up, once, so that no second look-up can say something else.

        Raises `Refused` for a host that is not public, `Unavailable` for one that is not found. ``what`` is for people.
        """
        parts = urlsplit(address)
        name = parts.hostname or ""
        try:
            found = list(self.look(name))
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise Unavailable(
                "the host of the release was not found", where=what, next_step="Check the address and the network."
            )
        if name not in self.opened and not all(is_public(each) for each in found):
            raise Refused(
                "a recipe may not name an address that is not public",
                where=what,
                next_step="Name a public one; an operator may list the host in LEADTIME_DOWNLOAD_HOSTS.",
            )
        url = httpx.URL(address)
        return Pinned(str(url.copy_with(host=found[0])), url.netloc.decode("ascii"), name)


def look_up(host: str) -> Iterable[str]:
    """Return the addresses of a host as this machine's resolver finds them."""
    return dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


def is_public(address: str) -> bool:
    """Tell whether an address can be reached by everybody, the IPv4 address that it may stand for included."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    return all(each.is_global and not each.is_multicast for each in (found, inner) if each is not None)


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address.sixtofour
