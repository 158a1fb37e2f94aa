"""Which networks lie in which, and whether a caller comes from one."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


def lie_within(wanted: Iterable[str], agreed: Iterable[str]) -> bool:
    """Tell whether each wanted network (CIDR) is part of an agreed one; none agreed: any is."""
    outer = [ip_network(network) for network in agreed]
    return not outer or all(any(_is_within(ip_network(network), one) for one in outer) for network in wanted)


def comes_from(networks: Iterable[tuple[str, ...]], address: str) -> bool:
    """Tell whether a caller's address lies in each list of networks; an empty list holds every address."""
    caller = _address(address)
    return all(not listed or any(_holds(network, caller) for network in listed) for listed in networks)


def _is_within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _holds(network: str, caller: IPv4Address | IPv6Address | None) -> bool:
    return caller is not None and caller in ip_network(network)
