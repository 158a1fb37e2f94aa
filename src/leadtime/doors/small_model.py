"""The small model's own process: a question a line comes in, the answer's pieces go out a line each, null ends it.

``python -m leadtime.doors.small_model WEIGHTS``; a question is ``{"messages": [{"role", "content"}], "tokens_max"}``.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main(weights: str) -> None:
    """Answer until nobody asks any more; always the same to the same."""
    engine = import_module("cyllama")
    model = engine.LLM(weights)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        model.reset_context()
        config = engine.GenerationConfig(max_tokens=asked["tokens_max"], temperature=0.0)
        for piece in model.chat(asked["messages"], config=config, stream=True):
            _say(piece)
        _say(None)


def _say(piece: str | None) -> None:
    sys.stdout.write(json.dumps(piece) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
