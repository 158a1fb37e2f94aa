from __future__ import annotations

import openai

from tests.doors.model_api.standing import an_access


def test_a_chat_completion_comes_through(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=access.secret, max_retries=0) as client:
        answer = client.chat.completions.create(
            model=access.name("plain"), messages=[{"role": "user", "content": "how is it?"}]
        )
    assert answer.choices[0].message.content == "All is well here."
    (call,) = access.settled()
    assert call.status == 200
    assert upstream.seen[0].headers["Leadtime-Leaf"] == str(call.id)
