"""What a verdict tells of the network: who tried it, when, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DNS_PORT = 53
LOCAL = frozenset({"unix", "abstract"})


class During(StrEnum):
    """When something was tried."""

    BUILD = "build"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class NetworkAttempt:
    """One way in which a program tried the network, or a socket of its own machine.

    ``call`` is the system call, ``transport`` tcp, udp or raw as the kernel knows the socket, ``family`` inet, inet6,
    unix (with a path as its address), abstract (with a name), unspecified or other; ``times`` how often. All of it led
    nowhere, or to the program itself.
    """

    call: str
    transport: str
    family: str
    address: str
    port: int
    times: int = 1

    @property
    def is_dns(self) -> bool:
        """Tell whether it is a look-up of a name: the port of DNS (RFC 1035, section 4.2)."""
        return self.port == DNS_PORT

    @property
    def is_local(self) -> bool:
        """Tell whether it stays on its own machine, by a socket with a path or a name."""
        return self.family in LOCAL


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """An attempt, and when it was seen."""

    during: During
    attempt: NetworkAttempt
