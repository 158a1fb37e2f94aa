"""The library that blinds and matches, looked up when it is needed: it has wheels for few machines."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from leadtime.foundation.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Library:
    """openmined-psi: its roles and messages, and what it raises for bytes that are no message."""

    psi: ModuleType
    undecodable: type[Exception]


def find_library() -> Library:
    """Return the library; raises `Unavailable` on a machine for which there is none."""
    try:
        psi = importlib.import_module("private_set_intersection.python")
        messages = importlib.import_module("google.protobuf.message")
    except ImportError:
        raise Unavailable(
            "private matching needs openmined-psi, which is not on this machine",
            where="held",
            next_step="Use CPython 3.11 to 3.13 on x86-64 Linux with glibc 2.35 or later.",
        ) from None
    return Library(psi, messages.DecodeError)
