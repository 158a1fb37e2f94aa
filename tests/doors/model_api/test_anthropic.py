"""Anthropic's client, unchanged, against the gateway."""

from __future__ import annotations

import asyncio

import anthropic
import openai
import pytest

from leadtime.flow.gateway import Ended
from leadtime.flow.window import WireFormat
from tests.doors.model_api.clients import ASK, anthropic_async, anthropic_client, openai_client
from tests.doors.model_api.standing import an_access, limited
from tests.doors.model_api.upstream import WORDS

TEXT = "All is well here."


@pytest.fixture
def access(database, upstream):
    return an_access(database, upstream.url, wire_format=WireFormat.ANTHROPIC, terms=limited(tokens=100_000))


def test_a_message_whole(access, served, upstream):
    with anthropic_client(served, access) as client:
        answer = client.messages.create(
            model=access.name("plain"), max_tokens=64, messages=ASK, extra_headers={"anthropic-beta": "x-1"}
        )
    assert answer.content[0].text == TEXT
    (seen,) = upstream.seen
    assert seen.headers["x-api-key"] == "sk-upstream"
    assert seen.headers["anthropic-version"]
    assert seen.headers["anthropic-beta"] == "x-1"
    assert seen.document["max_tokens"] == 64
    (call,) = access.settled()
    assert (call.ended, call.charged.tokens) == (Ended.WHOLE, 15)


def test_a_message_streamed(access, served):
    with (
        anthropic_client(served, access) as client,
        client.messages.stream(model=access.name("plain"), max_tokens=64, messages=ASK) as stream,
    ):
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert pieces == list(WORDS)
    assert final.usage.output_tokens == 5
    (call,) = access.settled()
    assert (call.ended, call.charged.tokens) == (Ended.WHOLE, 16)


def test_the_asynchronous_client_does_the_same(access, served):
    async def both():
        async with anthropic_async(served, access) as client:
            whole = await client.messages.create(model=access.name("plain"), max_tokens=64, messages=ASK)
            async with client.messages.stream(model=access.name("plain"), max_tokens=64, messages=ASK) as stream:
                return whole.content[0].text, [piece async for piece in stream.text_stream]

    assert asyncio.run(both()) == (TEXT, list(WORDS))


def test_tools_and_images(access, served, upstream):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    tool = {"name": "look", "input_schema": {"type": "object"}}
    with anthropic_client(served, access) as client:
        answer = client.messages.create(
            model=access.name("plain"), max_tokens=64, tools=[tool], messages=[{"role": "user", "content": [image]}]
        )
    assert answer.content[0].input == {"at": "sky"}
    assert upstream.seen[0].document["messages"][0]["content"] == [image]


def test_counting_tokens_reserves_no_output(access, served):
    with anthropic_client(served, access) as client:
        assert client.messages.count_tokens(model=access.name("plain"), messages=ASK).input_tokens == 9
    (call,) = access.settled()
    assert call.reserved.tokens < 1_300


def test_models_can_be_listed(access, served):
    with anthropic_client(served, access) as client:
        listed = [model.id for model in client.models.list()]
        assert client.models.retrieve(access.name("plain")).display_name == access.name("plain")
    assert access.name("plain") in listed


def test_refusals_are_this_clients_own_errors(access, served):
    with anthropic_client(served, access) as client:
        with pytest.raises(anthropic.NotFoundError) as missing:
            client.messages.create(model="other", max_tokens=64, messages=ASK)
        with pytest.raises(anthropic.RateLimitError) as over:
            client.messages.create(model=access.name("plain"), max_tokens=200_000, messages=ASK, timeout=30)
        with pytest.raises(anthropic.AuthenticationError) as unknown:
            client.with_options(api_key="ltg_other").messages.create(
                model=access.name("plain"), max_tokens=64, messages=ASK
            )
    assert missing.value.body["error"]["type"] == "not_found_error"
    assert over.value.body["error"]["type"] == "rate_limit_error"
    assert over.value.response.headers["x-should-retry"] == "false"
    assert unknown.value.body["error"]["type"] == "authentication_error"


def test_a_model_of_this_form_does_not_answer_in_the_other(access, served):
    with openai_client(served, access) as client, pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    assert wrong.value.body["message"] == (
        "this model does not answer at /v1/chat/completions. "
        "It takes the anthropic form; read how to connect on your page."
    )
