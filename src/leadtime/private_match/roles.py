"""The two roles: one asks with its elements, one holds a set and answers."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.private_match.library import find_library
from leadtime.private_match.limits import (
    ASKED_MAX,
    ASKED_MIN,
    ELEMENT_BYTES,
    FALSE_MATCH_MAX,
    HELD_MAX,
    HELD_MIN,
)
from leadtime.private_match.messages import read_answer, read_request, unreadable, write_answer, write_request


@dataclass(frozen=True, slots=True, repr=False)
class Asker:
    """Who asks: ``request`` goes to the holder, once; `read` opens what comes back."""

    request: bytes
    _elements: tuple[bytes, ...]
    _asked: int
    _blinding: Any

    @classmethod
    def of(cls, elements: Sequence[bytes]) -> Asker:
        """Ask for elements (digests of 32 bytes, at most `ASKED_MAX`), blinded with a secret of this request alone."""
        if not 0 < len(elements) <= ASKED_MAX:
            raise Malformed(
                f"a request asks for 1 to {ASKED_MAX} elements", where="request", next_step="Ask in several."
            )
        filled = _filled(elements, ASKED_MIN)
        blinding = find_library().psi.client.CreateWithNewKey(True)  # noqa: FBT003  # the library's own signature: which match, not how many
        return cls(write_request(blinding.CreateRequest(filled)), tuple(elements), len(filled), blinding)

    def read(self, answer: bytes) -> frozenset[bytes]:
        """Return which of the elements the holder has; raises `Malformed` for an answer that is none to this."""
        held, points = read_answer(answer, asked=self._asked)
        try:
            found = self._blinding.GetIntersection(held, points)
        except RuntimeError:
            raise unreadable("answer") from None
        return frozenset(self._elements[place] for place in found if place < len(self._elements))


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """Who holds a set, prepared under a secret that no other holder has; safe to be asked from many threads."""

    _set: Any
    _blinding: Any
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, elements: AbstractSet[bytes]) -> Holder:
        """Prepare a set (digests of 32 bytes) to be asked for, with a fresh secret: about 0.15 ms an element."""
        if len(elements) > HELD_MAX:
            raise Unavailable(
                f"a set of more than {HELD_MAX} elements is not matched", where="set", next_step="Ask its people."
            )
        psi = find_library().psi
        blinding = psi.server.CreateWithNewKey(True)  # noqa: FBT003  # as in `Asker.of`
        filled = _filled(sorted(elements), HELD_MIN)
        return cls(blinding.CreateSetupMessage(FALSE_MATCH_MAX, ASKED_MAX, filled, psi.DataStructure.GCS), blinding)

    def answer(self, request: bytes) -> bytes:
        """Return the answer to one request; raises `Malformed` for a request that no asker made."""
        asked = read_request(request)
        try:
            with self._one_at_a_time:
                points = self._blinding.ProcessRequest(asked)
        except RuntimeError:
            raise unreadable("request") from None
        return write_answer(self._set, points)


def _filled(elements: Iterable[bytes], least: int) -> list[str]:
    """Return the elements as the library takes them, with random ones behind them up to a power of two."""
    written = [each.hex() for each in elements]
    count = max(least, 1 << (len(written) - 1).bit_length()) if written else least
    return written + [secrets.token_bytes(ELEMENT_BYTES).hex() for _ in range(count - len(written))]
