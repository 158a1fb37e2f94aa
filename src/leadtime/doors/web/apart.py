"""Pages that wait for another server run apart, so that nobody else's page waits behind a slow one."""

from __future__ import annotations

from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from starlette.responses import Response

from leadtime.doors import limits
from leadtime.foundation.errors import Unavailable


class ThreadsApart:
    """Threads for pages that ask the identity provider, and how many such pages are under way in this process.

    Anybody can make such a page wait, without signing in; a developer's withdrawal shall not wait for it (I1).
    """

    def __init__(self) -> None:
        self._threads = CapacityLimiter(limits.PROVIDER_THREADS_MAX)
        self._under_way = 0

    async def run(self, answer: Callable[[], Response]) -> Response:
        """Return what ``answer`` gives, on one of these threads; raises `Unavailable` where too many are under way."""
        if self._under_way >= limits.PROVIDER_PAGES_MAX:
            raise Unavailable(
                "too many are on their way to the identity provider just now",
                next_step="Try again in a minute, or use another way.",
            )
        self._under_way += 1
        try:
            return await to_thread.run_sync(answer, limiter=self._threads)
        finally:
            self._under_way -= 1
