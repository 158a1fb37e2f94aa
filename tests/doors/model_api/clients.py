"""The official clients, pointed at a gateway and otherwise as they come."""

from __future__ import annotations

import anthropic
import openai

from tests.doors.model_api.standing import Access, Served

ASK = [{"role": "user", "content": "how is it?"}]


def openai_client(served: Served, access: Access, **options: object) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key=access.secret, **{"max_retries": 0, **options})


def openai_async(served: Served, access: Access, **options: object) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=access.secret, **{"max_retries": 0, **options})


def anthropic_client(served: Served, access: Access, **options: object) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=served.url, api_key=access.secret, **{"max_retries": 0, **options})


def anthropic_async(served: Served, access: Access, **options: object) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=served.url, api_key=access.secret, **{"max_retries": 0, **options})
