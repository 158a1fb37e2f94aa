"""What is held, prepared to be asked for: under a secret of this process that lives for an hour at most."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadtime.flow import merging
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Unavailable
from leadtime.private_match import Holder

PREPARED_MINUTES_MAX = 60
"""How old the set may be that an answer is made from; the older, the later a finder hears of another's report."""

PREPARING_SECONDS_MAX = 2.0
"""How long whoever asks waits while another's question has the set prepared."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A set that can be asked for, and of when it is."""

    holder: Holder
    as_of: datetime


class HeldShelf:
    """The one set of this process; whoever asks first after its hour has it prepared anew."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._prepared: Prepared | None = None

    def prepared(self, database: Database) -> Prepared:
        """Return the set, of the last hour; raises `Unavailable` while another prepares it."""
        if not self._one_at_a_time.acquire(timeout=PREPARING_SECONDS_MAX):
            raise Unavailable(
                "what is held is being prepared to be asked for", where="held", next_step="Ask again in a minute."
            )
        try:
            now, last = database.clock.now(), self._prepared
            if last is None or not timedelta(0) <= now - last.as_of < timedelta(minutes=PREPARED_MINUTES_MAX):
                with database.transaction(SYSTEM) as tx:
                    marks = merging.read_held(tx)
                last = self._prepared = Prepared(Holder.of(marks), now)
        finally:
            self._one_at_a_time.release()
        return last
