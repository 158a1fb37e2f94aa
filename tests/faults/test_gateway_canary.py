"""In the mode *commitments* no word of a prompt or an answer is in any file of the server, in a dump, or in a log."""

from __future__ import annotations

from dataclasses import replace

import openai
import psycopg
import pytest

from leadtime.foundation.database.embedded import ADMIN
from leadtime.workflows.reads import note_reads
from tests.doors.model_api.clients import openai_client
from tests.doors.model_api.standing import an_access, serving
from tests.doors.model_api.upstream import answering
from tests.faults.test_canary import dump_of, durable, holding  # noqa: F401  # a fixture is found by its name here

CANARY = "quixotic-canary-4711"


@pytest.mark.parametrize("variant", ["plain", "wrong", "garbage"])
def test_what_is_asked_is_nowhere(durable, home, capfd, variant):  # noqa: F811
    server, address, bare = durable
    database = replace(bare, note_reads=note_reads)
    messages = [{"role": "user", "content": CANARY}]
    with answering() as upstream:
        access = an_access(database, upstream.url)
        with serving(database, address) as served, openai_client(served, access) as client:
            for stream in (False, True):
                try:
                    answer = client.chat.completions.create(
                        model=access.name(variant), messages=messages, stream=stream, user=CANARY
                    )
                    list(answer)
                except openai.APIError:
                    pass
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(model=f"{access.name(variant)}x", messages=messages)
            access.settled(2)
        assert all(CANARY.encode() in seen.raw for seen in upstream.seen)
    with psycopg.connect(server.conninfo(ADMIN, "leadtime"), autocommit=True) as admin:
        admin.execute("checkpoint")
    said = capfd.readouterr()
    dump = dump_of(server, "leadtime")
    assert b"INSERT INTO public.gateway_calls VALUES" in dump
    for secret in (CANARY, "All is well here", access.secret, "sk-upstream"):
        assert secret.encode() not in dump
        assert holding(home, secret.encode()) == []
        assert secret not in said.out + said.err
