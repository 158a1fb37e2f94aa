"""How an input is made smaller, pure: delta debugging over lines, then over bytes (Zeller, Hildebrandt: TSE 2002)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Shows = Callable[[bytes], bool]
"""Tells whether an input shows the flaw; whoever asks pays for a run."""


class OutOfTries(Exception):
    """No more runs are allowed; what is smallest so far stands."""


def reduced(content: bytes, shows: Shows) -> bytes:
    """Return the smallest input that was found to show the flaw by leaving out pieces of ``content``, itself if none.

    Ends when no single line and then no single byte can be left out, or when ``shows`` raises `OutOfTries`.
    """
    best = [content]

    def keeps(pieces: Sequence[bytes]) -> bool:
        candidate = b"".join(pieces)
        if not shows(candidate):
            return False
        best[0] = candidate
        return True

    try:
        _leave_out(content.splitlines(keepends=True), keeps)
        _leave_out([best[0][at : at + 1] for at in range(len(best[0]))], keeps)
    except OutOfTries:
        pass
    return best[0]


def _leave_out(pieces: list[bytes], keeps: Callable[[Sequence[bytes]], bool]) -> None:
    """Leave out ever smaller stretches of ``pieces``, as long as what is left ``keeps`` the flaw."""
    size = (len(pieces) + 1) // 2
    while size >= 1:
        start, was = 0, len(pieces)
        while start < len(pieces):
            rest = pieces[:start] + pieces[start + size :]
            if keeps(rest):
                pieces = rest
            else:
                start += size
        # Something that could not go may be able to now that its neighbours are gone.
        size = size if len(pieces) < was and size == 1 else size // 2
