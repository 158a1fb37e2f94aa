"""OpenAI's client, unchanged, against the gateway; and what is recorded of what it does."""

from __future__ import annotations

import asyncio
import json

import httpx
import openai
import pytest
from sqlalchemy import text

from leadtime.flow import gateway
from leadtime.flow.gateway import Ended
from leadtime.foundation.access import SYSTEM
from leadtime.ledger.leaves import parse_leaf
from tests.doors.model_api.clients import ASK, openai_async, openai_client
from tests.doors.model_api.standing import an_access, another_grant, limited
from tests.doors.model_api.upstream import WORDS

TEXT = "All is well here."
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


def leaves(database):
    with database.transaction(SYSTEM) as tx:
        rows = tx.connection.execute(text("select log, entry from ledger_leaves order by id"))
        return [(log, parse_leaf(bytes(entry))) for log, entry in rows]


def test_a_chat_completion_comes_through_with_what_nobody_knows(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        raw = client.chat.completions.with_raw_response.create(
            model=access.name("plain"), messages=ASK, extra_body={"x_new": {"a": [1, None]}}, user="u-1"
        )
    answer = raw.parse()
    assert answer.choices[0].message.content == TEXT
    assert answer.usage.total_tokens == 12
    assert answer.model_extra["x_unknown"] == {"kept": True}
    (seen,) = upstream.seen
    assert seen.document == {"model": "plain", "messages": ASK, "x_new": {"a": [1, None]}, "user": "u-1"}
    (call,) = access.settled()
    assert raw.headers["leadtime-leaf"] == str(call.id) == seen.headers["Leadtime-Leaf"]
    assert raw.headers["x-request-id"] == "req-7"
    assert "set-cookie" not in raw.headers
    assert (call.ended, call.status, call.charged.tokens) == (Ended.WHOLE, 200, 12)
    assert call.charged.micro_usd == 7 * 2 + 5 * 8
    assert call.variant == "plain"
    assert call.organisation == access.offer.agency.organisation.id
    assert call.person == access.offer.agency.person.id


def test_the_upstream_sees_its_own_credential_and_nothing_of_the_callers(database, served, upstream):
    access = an_access(database, upstream.url)
    headers = {"cookie": "a=b", "x-forwarded-for": "192.0.2.1", "openai-organization": "org", "openai-beta": "b=1"}
    with openai_client(served, access, default_headers=headers) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    sent = {name.lower(): value for name, value in upstream.seen[0].headers.items()}
    assert sent.pop("leadtime-leaf")
    assert sent.pop("host") == upstream.url.removeprefix("http://")
    assert sent.pop("content-length")
    assert sent == {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "leadtime",
        "authorization": "Bearer sk-upstream",
        "openai-beta": "b=1",
    }


def test_a_call_is_a_leaf_before_it_goes_out_and_its_end_is_one_after(database, served, upstream):
    access = an_access(database, upstream.url)
    before = {leaf.id for _, leaf in leaves(database)}
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    (call,) = access.settled()
    new = [(log, leaf) for log, leaf in leaves(database) if leaf.id not in before]
    (leaf, settled) = sorted((leaf for _, leaf in new), key=lambda leaf: leaf.kind)
    assert {log for log, _ in new} == {f"model-{access.offer.model.id}"}
    assert (leaf.id, leaf.kind, leaf.about) == (call.id, "call", None)
    assert (settled.kind, settled.about) == ("settled", call.id)
    assert leaf.commitments.keys() == {
        *("grant", "terms", "organisation", "person", "network"),
        *("variant", "address", "request", "reserved"),
    }
    assert settled.commitments.keys() == {"answer", "ended", "charged", "upstream"}


def test_a_stream_comes_piece_by_piece_and_without_usage_that_was_not_asked_for(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        stream = client.chat.completions.create(model=access.name("plain"), messages=ASK, stream=True)
        chunks = list(stream)
    assert [chunk.choices[0].delta.content for chunk in chunks] == list(WORDS)
    assert upstream.seen[0].document["stream_options"] == {"include_usage": True}
    (call,) = access.settled()
    assert (call.ended, call.charged.tokens) == (Ended.WHOLE, 12)


def test_a_stream_tells_its_usage_where_it_was_asked_for(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        chunks = list(
            client.chat.completions.create(
                model=access.name("plain"), messages=ASK, stream=True, stream_options={"include_usage": True}
            )
        )
    assert chunks[-1].usage.total_tokens == 12
    assert chunks[-1].choices == []


def test_the_asynchronous_client_does_the_same(database, served, upstream):
    access = an_access(database, upstream.url)

    async def both():
        async with openai_async(served, access) as client:
            whole = await client.chat.completions.create(model=access.name("plain"), messages=ASK)
            stream = await client.chat.completions.create(model=access.name("plain"), messages=ASK, stream=True)
            return whole.choices[0].message.content, [chunk.choices[0].delta.content async for chunk in stream]

    assert asyncio.run(both()) == (TEXT, list(WORDS))


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called(database, served, upstream, stream):
    access = an_access(database, upstream.url)
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    wanted = {"model": access.name("tools"), "messages": ASK, "tools": tools}
    with openai_client(served, access) as client:
        if stream:
            with client.chat.completions.stream(**wanted) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**wanted).choices[0].message
    (called,) = message.tool_calls
    assert (called.function.name, json.loads(called.function.arguments)) == ("look", {"at": "sky"})
    assert upstream.seen[0].document["tools"] == tools


def test_images_go_through_and_count_as_images_not_as_text(database, served, upstream):
    access = an_access(database, upstream.url, terms=limited(tokens=100_000))
    image = PIXEL + "A" * 400_000
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": image}}]
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=[{"role": "user", "content": parts}])
    assert upstream.seen[0].document["messages"][0]["content"] == parts
    (call,) = access.settled()
    assert 8_192 + 1_024 + 4_096 < call.reserved.tokens < 15_000


def test_responses_whole_and_streamed(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        whole = client.responses.create(model=access.name("plain"), input="how is it?")
        with client.responses.stream(model=access.name("plain"), input="how is it?") as events:
            pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert whole.output_text == TEXT
    assert pieces == list(WORDS)
    assert upstream.seen[0].document["store"] is False
    assert [call.charged.tokens for call in access.settled(2)] == [14, 14]


def test_completions_and_embeddings(database, served, upstream):
    access = an_access(database, upstream.url, terms=limited(tokens=50_000))
    with openai_client(served, access) as client:
        whole = client.completions.create(model=access.name("plain"), prompt="how is it?")
        vectors = client.embeddings.create(model=access.name("plain"), input="how is it?", encoding_format="float")
    assert whole.choices[0].text == TEXT
    assert vectors.data[0].embedding == [0.25, -0.5]
    assert [call.charged.tokens for call in access.settled(2)] in ([3, 12], [12, 3])
    assert "max_tokens" not in upstream.seen[1].document


def test_models_are_those_that_the_grant_covers(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        listed = [model.id for model in client.models.list()]
        one = client.models.retrieve(access.name("plain"))
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("other")
    assert access.name("plain") in listed
    assert one.owned_by == str(access.offer.developer.organisation.id)
    assert upstream.seen == []
    assert access.calls() == ()


def test_where_tokens_are_metered_a_maximum_is_put_in(database, served, upstream):
    access = an_access(database, upstream.url, terms=limited(tokens=50_000))
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
        client.chat.completions.create(model=access.name("plain"), messages=ASK, max_tokens=50)
    assert upstream.seen[0].document["max_completion_tokens"] == 4_096
    assert upstream.seen[1].document["max_tokens"] == 50
    assert "max_completion_tokens" not in upstream.seen[1].document


def test_a_changed_upstream_is_an_alarm_once_and_a_mark_from_then_on(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        first = client.chat.completions.with_raw_response.create(model=access.name("plain"), messages=ASK)
        access.settled()
        upstream.fingerprint = "fp_2"
        notices = []
        for _ in range(50):
            raw = client.chat.completions.with_raw_response.create(model=access.name("plain"), messages=ASK)
            notices.append(raw.headers.get("leadtime-notice"))
            if notices[-1]:
                break
    assert first.headers.get("leadtime-notice") is None
    assert notices[-1] == "the upstream's model name or fingerprint has changed"
    assert access.alarms() == ["upstream's fingerprint was 'fp_1' when first seen and is 'fp_2' now"]


def test_the_agency_reads_its_own_calls_and_nobody_elses(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    access.settled()
    with database.transaction(access.offer.agency.viewer) as tx:
        assert len(gateway.list_calls(tx, access.offer.model.id)) == 1
        assert gateway.list_alarms(tx, access.offer.model.id) == ()


def test_other_addresses_and_methods_are_told_so(database, served):
    assert httpx.get(f"{served.url}/v1/other").status_code == 404
    assert httpx.get(f"{served.url}/v1/chat/completions").json()["error"]["code"] == "method_not_allowed"
    assert httpx.post(f"{served.url}/v1/models").status_code == 405
    assert httpx.get(f"{served.url}/healthz").json() == {"status": "ok"}


def test_an_idempotency_key_is_its_grants_own(database, served, upstream):
    """All callers share one credential upstream, and none may be given another's answer."""
    access = an_access(database, upstream.url)
    other = another_grant(database, access.offer)
    for holder in (access, access, other):
        with openai_client(served, holder, default_headers={"idempotency-key": "k"}) as client:
            client.chat.completions.create(model=holder.name("plain"), messages=ASK)
    first, again, others = (seen.headers["Idempotency-Key"] for seen in upstream.seen)
    assert first == again != others
    assert "k" not in (first, others)
