"""The demonstration's upstream: OpenAI's client gets an answer from either speaker, and each call leaves a line."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager

import openai
import pytest

from leadtime.doors import demo_model
from leadtime.doors.demo_speakers import ANSWER, ANSWER_TOKENS_MAX, Said, Scripted, Small, find_weights
from leadtime.doors.serving import HOST
from leadtime.ledger import LEAF_HEADER
from tests.doors.model_api.standing import await_listening
from tests.stories.installations import free_port

WEIGHTS = find_weights()
needs_weights = pytest.mark.skipif(WEIGHTS is None, reason="the small model is not installed (make model)")
ASK = [{"role": "user", "content": "What is a buffer overflow?"}]


@contextmanager
def serving(home):
    """Serve the upstream of an installation while the block runs; give a client of it."""
    port, ready = int((demo_model.demo_home(home) / demo_model.PORT_FILE).read_text()), threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def run():
        ready.set()
        loop.run_until_complete(demo_model.serve_demo_model(home, port, stop))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        await_listening(port)
        with openai.OpenAI(base_url=f"http://{HOST}:{port}/orion/v1", api_key="none", max_retries=0) as client:
            yield client
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
        assert not thread.is_alive()


def lines(home):
    return [json.loads(line)["leaf"] for line in demo_model.access_log(home, "orion").read_text().splitlines()]


@pytest.fixture(params=["script", pytest.param("small", marks=needs_weights)])
def home(request, tmp_path, monkeypatch):
    """An installation whose demonstration is answered by the one or the other."""
    if request.param == "script":
        monkeypatch.setattr(demo_model, "find_weights", lambda: None)
    demo_model.make_demo_home(tmp_path, free_port())
    return tmp_path


def test_either_answers_whole_and_streamed_and_notes_each_leaf(home):
    name = demo_model.find_speaker(home).name
    with serving(home) as client:
        assert [model.id for model in client.models.list()] == [name]
        whole = client.chat.completions.create(
            model=name, messages=ASK, max_tokens=12, extra_headers={LEAF_HEADER: "a-leaf"}
        )
        streamed = list(client.chat.completions.create(model=name, messages=ASK, max_tokens=12, stream=True))
    said = "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
    assert said == whole.choices[0].message.content != ""
    assert (whole.model, whole.usage.prompt_tokens) == (name, len(ASK[0]["content"]) // 4 + 1)
    assert 1 <= whole.usage.completion_tokens <= 12
    assert streamed[-1].usage == whole.usage
    assert lines(home) == ["a-leaf", None]


def test_the_script_says_that_it_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_model, "find_weights", lambda: None)
    assert isinstance(demo_model.make_demo_home(tmp_path, 1), Scripted)
    assert "I am a scripted endpoint that stands in for a model" in ANSWER
    assert heard(demo_model.find_speaker(tmp_path)) == ANSWER


def test_a_story_keeps_its_speaker_unless_that_is_gone(tmp_path, monkeypatch):
    weights = tmp_path / "Tiny.gguf"
    monkeypatch.setattr(demo_model, "find_weights", lambda: weights)
    assert demo_model.find_speaker(tmp_path).name == "scripted-stand-in"
    assert demo_model.make_demo_home(tmp_path, 1).name == "Tiny"
    assert isinstance(demo_model.find_speaker(tmp_path), Small)
    monkeypatch.setattr(demo_model, "find_weights", lambda: None)
    assert isinstance(demo_model.find_speaker(tmp_path), Scripted)


def heard(speaker, tokens_max=ANSWER_TOKENS_MAX):
    async def listen():
        pieces = [piece async for piece in speaker.speak([Said("user", "?")], tokens_max=tokens_max)]
        await speaker.close()
        return "".join(pieces)

    return asyncio.run(listen())


def test_a_model_that_ends_is_told_as_an_error_and_begun_anew(tmp_path):
    """Weights that nobody can load: the process ends at once, each time."""

    async def listen():
        speaker = Small(tmp_path / "none.gguf")
        for _ in range(2):
            with pytest.raises((ChildProcessError, ConnectionError)):
                [piece async for piece in speaker.speak([Said("user", "?")], tokens_max=3)]
        await speaker.close()

    asyncio.run(listen())


@needs_weights
def test_who_stops_listening_ends_the_process_and_the_next_question_is_answered():
    async def listen():
        speaker = Small(WEIGHTS)
        pieces = speaker.speak([Said("user", "Tell me a long story.")], tokens_max=200)
        first = await anext(pieces)
        await pieces.aclose()
        again = [piece async for piece in speaker.speak([Said("user", "Tell me a long story.")], tokens_max=3)]
        await speaker.close()
        return first, again

    first, again = asyncio.run(listen())
    assert again[0] == first
    assert len(again) == 3
