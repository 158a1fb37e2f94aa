"""What a request asks for, and what the upstream is sent in its place."""

from __future__ import annotations

import json

import pytest

from leadtime.doors.model_api.reading import read_request, write_request
from leadtime.flow.gateway import Address, Amount, Reservation
from leadtime.flow.gateway.limits import (
    IMAGE_TOKENS_MAX,
    INPUT_OVERHEAD_TOKENS,
    JSON_CONTAINERS_MAX,
    JSON_VALUES_MAX,
)
from leadtime.foundation.errors import Malformed
from tests.flow.gateway.factories import FULL

ASK = [{"role": "user", "content": "hi"}]


def read(document, address=Address.CHAT):
    return read_request(address, json.dumps({"model": "m", **document}).encode())


def test_a_plain_request():
    raw = json.dumps({"model": "m", "messages": ASK, "max_tokens": 9, "n": 2}).encode()
    asked = read_request(Address.CHAT, raw).asked
    assert (asked.model, asked.stream, asked.out_max, asked.out_times) == ("m", False, 9, 2)
    assert asked.input_tokens_max == len(raw) + INPUT_OVERHEAD_TOKENS
    assert (asked.unbounded, asked.elsewhere, asked.echoes) == ("", "", False)


@pytest.mark.parametrize(
    ("address", "document", "out_max", "times"),
    [
        (Address.CHAT, {"max_tokens": 5, "max_completion_tokens": 7}, 7, 1),
        (Address.RESPONSES, {"max_output_tokens": 5}, 5, 1),
        (Address.MESSAGES, {"max_tokens": 5}, 5, 1),
        (Address.COMPLETIONS, {"max_tokens": 5, "prompt": ["a", "b"], "n": 2, "best_of": 3}, 5, 6),
        (Address.COMPLETIONS, {"prompt": [1, 2]}, None, 1),
        (Address.EMBEDDINGS, {"input": "x"}, 0, 1),
        (Address.COUNT_TOKENS, {}, 0, 1),
    ],
)
def test_how_much_may_come_out(address, document, out_max, times):
    asked = read(document, address).asked
    assert (asked.out_max, asked.out_times) == (out_max, times)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9_000}},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9_000},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 9_000}},
        {"type": "image_url", "image_url": {"url": "https://pictures.example/1.png"}},
    ],
)
def test_an_image_counts_as_an_image(part):
    tokens = read({"messages": [{"role": "user", "content": [part]}]}).asked.input_tokens_max
    assert IMAGE_TOKENS_MAX < tokens < IMAGE_TOKENS_MAX + INPUT_OVERHEAD_TOKENS + 300


TEXT = "words and words " * 600
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9_000}}


@pytest.mark.parametrize(
    "document",
    [
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": TEXT}}]}]},
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + TEXT}}]}]},
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:image/png," + "A" * 9_000}}]}]},
        {"messages": [{"content": [{"type": "image", "source": {"type": "text", "data": "A" * 9_000}}]}]},
        {"messages": [{"content": [{"type": "image", "source": {"type": "base64", "data": "ä" * 9_000}}]}]},
        {"messages": [IMAGE]},
        {"messages": [{"content": IMAGE}]},
        {"messages": [{"content": "hi"}], "tools": [{"type": "function", "function": {"content": [IMAGE]}}]},
        {"messages": [{"content": "hi", "metadata": {"content": [IMAGE]}}]},
    ],
)
def test_text_that_only_says_it_is_an_image_counts_as_text(document):
    assert read(document).asked.input_tokens_max > 9_000 + IMAGE_TOKENS_MAX


def test_an_image_in_a_tools_result_is_one():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 9_000}}
    document = {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [image]}]}]}
    tokens = read(document, Address.MESSAGES).asked.input_tokens_max
    assert IMAGE_TOKENS_MAX < tokens < IMAGE_TOKENS_MAX + INPUT_OVERHEAD_TOKENS + 300


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"[" + b"[]," * JSON_CONTAINERS_MAX + b"[]]", "the body holds too many values"),
        (b'{"model":"m","messages":[' + b"{}," * JSON_CONTAINERS_MAX + b"{}]}", "the body holds too many values"),
        (b'{"input":[' + b"0," * (JSON_VALUES_MAX + 1) + b"0]}", "the body holds too many values"),
        (b'{"model":"m","a":' + b"[" * 64 + b"]" * 64 + b"}", "the body is nested more than 64 levels deep"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"model":"m","temperature":1e999}', "the body is not JSON"),
        (b'{"model":"m","temperature":NaN}', "the body is not JSON"),
    ],
)
def test_a_body_that_would_take_long_to_read_is_refused(raw, what):
    with pytest.raises(Malformed, match=what):
        read_request(Address.CHAT, raw)


def test_a_body_may_be_as_deep_as_the_bound():
    assert read({"a": json.loads("[" * 62 + "{}" + "]" * 62)}).asked.model == "m"


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"messages": [{"content": [{"type": "input_file", "file_data": "x"}]}]}, "a part of type input_file"),
        ({"messages": [{"content": [{"type": "document"}]}]}, "a part of type document"),
        ({"tools": [{"type": "web_search"}]}, "a tool that the upstream runs"),
        ({"mcp_servers": [{"url": "x"}]}, "a tool server"),
        ({"tools": [{"type": "function"}, {"name": "look"}]}, ""),
    ],
)
def test_what_nobody_can_bound_is_named(document, named):
    assert read(document).asked.unbounded == named


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"container": {"id": "c_1", "skills": []}}, "container"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "item_reference"),
        ({"messages": [{"content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]}, "file_id"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}, "vector_store_ids"),
        ({"background": True}, "background"),
        ({"store": True}, "store"),
        ({"previous_response_id": None, "background": False, "store": False}, ""),
        ({"tools": [{"type": "function", "parameters": {"properties": {"file_id": {"type": "string"}}}}]}, ""),
    ],
)
def test_what_reaches_beyond_the_call_is_named(document, named):
    assert read(document).asked.elsewhere == named


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "body: the body is not JSON. Send one JSON object."),
        (b"[" * 100_000, "body: the body is not JSON. Send one JSON object."),
        (b'{"model": NaN}', "body: the body is not JSON. Send one JSON object."),
        (b"\xff", "body: the body is not JSON. Send one JSON object."),
        (b"[]", "body: the body is not a JSON object. Send one JSON object."),
        (b"{}", "model: this must be the model's name. Ask /v1/models for the names."),
        (b'{"model": "m", "stream": "yes"}', "stream: this must be true or false. Correct it."),
        (b'{"model": "m", "stream_options": 1}', "stream_options: this must be an object. Correct it."),
        (b'{"model": "m", "n": 129}', "n: this must be 1 to 128. Correct it."),
        (b'{"model": "m", "n": true}', "n: this must be 1 to 128. Correct it."),
        (b'{"model": "m", "max_tokens": 0}', "max_tokens: this must be a whole number from 1 to 10000000. Correct it."),
    ],
)
def test_what_is_wrong_is_told_with_its_place(raw, sentence):
    with pytest.raises(Malformed) as wrong:
        read_request(Address.CHAT, raw)
    assert str(wrong.value) == sentence


def test_a_body_with_two_readings_has_one_afterwards():
    read_twice = read_request(Address.CHAT, b'{"model": "allowed", "max_tokens": 1, "max_tokens": 9, "model": "m"}')
    written = write_request(read_twice, FULL, Reservation(Amount(), 0, 9, None))
    assert read_twice.asked.out_max == 9
    assert written == b'{"model":"orion-1-upstream","max_tokens":9}'


@pytest.mark.parametrize(
    ("address", "document", "out_max", "sent"),
    [
        (Address.CHAT, {}, 7, {"max_completion_tokens": 7}),
        (Address.CHAT, {"stream": True}, None, {"stream": True, "stream_options": {"include_usage": True}}),
        (
            Address.CHAT,
            {"stream": True, "stream_options": {"x": 1, "include_usage": False}},
            None,
            {"stream": True, "stream_options": {"x": 1, "include_usage": True}},
        ),
        (Address.MESSAGES, {"stream": True}, 7, {"stream": True, "max_tokens": 7}),
        (Address.RESPONSES, {}, 7, {"max_output_tokens": 7, "store": False}),
    ],
)
def test_what_the_upstream_is_sent(address, document, out_max, sent):
    written = json.loads(write_request(read(document, address), FULL, Reservation(Amount(), 0, 0, out_max)))
    assert written == {"model": "orion-1-upstream", **sent}
