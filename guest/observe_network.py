"""Notes who tries the network, and where to: at the system call, as the kernel is about to see it.

The program's filter stops these calls for us and lets them go on; in the box they lead nowhere, or to the program
itself. An address lies in the program's memory, where another thread may write: what is told is what was read.
"""

from __future__ import annotations

import _socket as kernel_socket  # the whole of ``socket`` would cost each run some milliseconds
import contextlib
import ctypes
import os
import struct

from observe_memory import Memory
from observe_thread import process_of

SOCKET, CONNECT, SENDTO, SENDMSG, BIND, LISTEN, SENDMMSG = 41, 42, 44, 46, 49, 50, 307
"""Numbers of the system calls (x86-64, asm/unistd_64.h)."""
CALLS = {
    SOCKET: "socket",
    CONNECT: "connect",
    SENDTO: "sendto",
    SENDMSG: "sendmsg",
    BIND: "bind",
    LISTEN: "listen",
    SENDMMSG: "sendmmsg",
}
LEADING_AWAY = (CONNECT, SENDTO, SENDMSG, SENDMMSG)
GETFD = 438
ATTEMPTS_MAX = 256
"""How many different attempts are told of one tree; of the others only their number."""
MESSAGES_MAX = 1024
"""As many as the kernel takes of one ``sendmmsg`` (UIO_MAXIOV)."""
ADDRESS_BYTES_MAX = 128
HEADER_BYTES, MESSAGE_BYTES = 56, 64
"""Of struct msghdr and struct mmsghdr (bits/socket.h)."""
INT_MASK = 0xFFFFFFFF
UNSPECIFIED, UNIX, INET, INET6 = 0, 1, 2, 10
FAMILIES = {UNSPECIFIED: "unspecified", UNIX: "unix", INET: "inet", INET6: "inet6"}
STAYING = ("unix", "abstract")
"""Families whose sockets lead nowhere but to this machine."""
INET_BYTES, INET6_BYTES = 8, 24
"""What the kernel needs of either address (sockaddr_in, sockaddr_in6 up to its scope)."""
TRANSPORTS = {kernel_socket.SOCK_STREAM: "tcp", kernel_socket.SOCK_DGRAM: "udp", kernel_socket.SOCK_RAW: "raw"}
_Place = tuple[str, str, int]
"""Family, address, port."""
NOWHERE: _Place = ("", "", 0)

_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """Every attempt of one tree of processes, each different one once."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str, str, str, int], int] = {}
        self._total = 0

    def see_call(self, tid: int, registers: tuple[int, ...]) -> str | None:
        """Note what a thread that stands at one of `CALLS` is about to try; return where it would lead it, if away."""
        number = registers[15]
        call = CALLS.get(number)
        if call is None:
            return None
        away = None
        if number == SOCKET:
            family, transport = FAMILIES.get(registers[14] & INT_MASK, "other"), TRANSPORTS.get(registers[13] & 0xF, "")
        else:
            family, transport = _socket_of(tid, registers[14] & INT_MASK)
        for told in _places(tid, number, registers):
            # What names no place may still lead away, for it is read again; but never from a socket of this machine.
            if told == NOWHERE and family == FAMILIES[UNIX]:
                continue
            place = (family, "", 0) if told == NOWHERE else told
            self._note(call, transport, place)
            if number in LEADING_AWAY and place[0] not in STAYING:
                away = f"{place[1]} {place[2]}"
        return away

    def _note(self, call: str, transport: str, place: _Place) -> None:
        self._total += 1
        attempt = (call, transport, *place)
        if attempt in self._times or len(self._times) < ATTEMPTS_MAX:
            self._times[attempt] = self._times.get(attempt, 0) + 1

    def attempts(self) -> list[dict[str, object]]:
        """Return them in the order of their first times: {call, transport, family, address, port, times}."""
        names = ("call", "transport", "family", "address", "port")
        return [{**dict(zip(names, attempt, strict=True)), "times": times} for attempt, times in self._times.items()]

    @property
    def total(self) -> int:
        """Return how often something was tried, told or not."""
        return self._total


def _places(tid: int, number: int, registers: tuple[int, ...]) -> list[_Place]:
    """Return where a call leads; `NOWHERE` where it does not say, or what it says cannot be read."""
    try:
        memory = Memory(tid, mapped=False)
    except OSError:
        return [NOWHERE]
    try:
        if number in (CONNECT, BIND):
            return [_place(memory, registers[13], registers[12])]
        if number == SENDTO:
            return [_place(memory, registers[9], registers[8])]
        if number == SENDMSG:
            return [_named(memory.read(registers[13], HEADER_BYTES), memory)]
        if number == SENDMMSG:
            count = min(registers[12] & INT_MASK, MESSAGES_MAX)
            messages = memory.read(registers[13], count * MESSAGE_BYTES)
            places = range(0, len(messages), MESSAGE_BYTES)
            return [_named(messages[at : at + HEADER_BYTES], memory) for at in places] or [NOWHERE]
        return [NOWHERE]
    finally:
        memory.close()


def _named(header: bytes, memory: Memory) -> _Place:
    """Return the place that a message names; one on a socket that is connected already names none."""
    if len(header) < HEADER_BYTES:
        return NOWHERE
    address, size = struct.unpack_from("<QI", header)
    return _place(memory, address, size)


def _place(memory: Memory, address: int, size: int) -> _Place:
    raw = memory.read(address, min(size & INT_MASK, ADDRESS_BYTES_MAX))
    if len(raw) < 2:
        return NOWHERE
    (family,) = struct.unpack_from("<H", raw)
    if family == UNIX:
        path = raw[2:]
        if path[:1] == b"\0":
            return ("abstract", os.fsdecode(path[1:]), 0)
        return ("unix", os.fsdecode(path.split(b"\0", 1)[0]), 0)
    # What is sent to an unspecified family goes where the same bytes would lead as IPv4 (net/ipv4/udp.c).
    if family in (INET, UNSPECIFIED) and len(raw) >= INET_BYTES:
        port, host = struct.unpack_from(">2xH4s", raw)
        return (FAMILIES[family], kernel_socket.inet_ntop(INET, host), port)
    if family == INET6 and len(raw) >= INET6_BYTES:
        port, host = struct.unpack_from(">2xH4x16s", raw)
        return ("inet6", kernel_socket.inet_ntop(INET6, host), port)
    return (FAMILIES.get(family, "other"), "", 0)


def _socket_of(tid: int, number: int) -> tuple[str, str]:
    """Return family and transport of a process's socket, by having the kernel show it to us as ours."""
    with contextlib.suppress(OSError, ValueError):
        process = os.pidfd_open(process_of(tid))
        try:
            taken = int(_libc.syscall(GETFD, process, number, 0))
        finally:
            os.close(process)
        if taken >= 0:
            found = kernel_socket.socket(fileno=taken)
            try:
                family = FAMILIES.get(found.family, "other")
                return family, TRANSPORTS.get(found.type, "") if family.startswith("inet") else ""
            finally:
                found.close()
    return "", ""
