"""One trust domain each: a developer's gateway and ledger alone, and a clearinghouse that gets checkpoints and counts.

Both are real installations: two homes, two databases, processes of their own, made by commands alone.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager

import httpx
import pytest
from openai import OpenAI, PermissionDeniedError

from leadtime.doors.demo_model import PORT_FILE, access_log, demo_home
from leadtime.doors.demo_speakers import ANSWER
from tests.stories.installations import COMMAND, Installation, free_port, soon

UPSTREAM_SECRET = "sk-the-developers-own"
QUESTION = "Which bounds are not checked in parse_header?"
CALLS = 3
LOGS = ("reads", "publications")


@contextmanager
def witnessing(clearinghouse, port, *logs):
    """Run a witness at the clearinghouse while the block runs; give the key that it prints."""
    named = [part for log in logs for part in ("--log", log)]
    home = str(clearinghouse.home / "witness")
    arguments = ["ledger", "witness", "--home", home, "--name", "clearinghouse.example", *named]
    with subprocess.Popen(
        [COMMAND, *arguments, "--listen", f"127.0.0.1:{port}"], env=clearinghouse.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def offer(developer, agency, lab, terms):
    """Let the developer offer a model to an agency, and the agency give its evaluator access; return what came."""
    (house, person, evaluator), (_, _, token) = agency, lab
    upstream = f"http://127.0.0.1:{(demo_home(developer.home) / PORT_FILE).read_text()}/orion-1/v1"
    secret = terms.with_name("secret")
    secret.write_text(UPSTREAM_SECRET)
    enrol = ("window", "enrol", "orion-1", "--variant", "on=scripted-stand-in", "--upstream", upstream)
    model = developer.tell(*enrol, "--credential-file", str(secret), token=token)["result"]["id"]
    agreed = developer.tell("window", "agree", model, house, "--terms", str(terms), token=token)["result"]["id"]
    opened = developer.tell("window", "open", model, "--kind", "government", token=token)["result"]["id"]
    entry = developer.tell("window", "offer", opened, agreed, token=token)["result"]["id"]
    grant = developer.tell("grant", "give", entry, person, "--purpose", "find flaws", token=evaluator)["result"]["id"]
    return model, opened, developer.tell("grant", "credential", grant, token=evaluator)["result"]["secret"]


def ask(developer, credential):
    with OpenAI(base_url=f"{developer.url}/v1", api_key=credential, max_retries=0) as client:
        return client.chat.completions.create(model="orion-1", messages=[{"role": "user", "content": QUESTION}])


def test_gateway_and_ledger_run_alone_and_the_clearinghouse_gets_checkpoints_and_counts(tmp_path):
    developer, clearinghouse = Installation(tmp_path / "developer"), Installation(tmp_path / "clearinghouse")
    terms, port = tmp_path / "terms.json", free_port()
    terms.write_text(json.dumps({"instrument": "CRADA 1", "purposes": ["find flaws"]}))
    for each in (developer, clearinghouse):
        assert each.ask("init")[0] == 0
    demo_home(developer.home).mkdir()
    (demo_home(developer.home) / PORT_FILE).write_text(str(free_port()))
    with witnessing(clearinghouse, port) as key:
        developer.more["LEADTIME_WITNESSES"] = f"{key}@http://127.0.0.1:{port}"
    with developer.serving("--only", "gateway") as said, clearinghouse.serving("--only", "site", "--no-work"):
        lab, agency = developer.enrol("Example Lab", "developer"), developer.enrol("Example Agency", "agency")
        audit_house, _, auditor = developer.enrol("Example Clearinghouse", "auditor")
        model, opened, credential = offer(developer, agency, lab, terms)
        logs = (f"model-{model}", *LOGS)
        assert [ask(developer, credential).choices[0].message.content for _ in range(CALLS)] == [ANSWER] * CALLS
        developer.tell("window", "auditor", model, audit_house, token=lab[2])

        # The witness is not there: calls go on, their leaves are kept, and nothing is signed until it is.
        soon(lambda: "no witness answers" in said.read_text())
        files = [developer.home / "ledger" / log / "keys" for log in logs]
        soon(lambda: all(file.is_file() for file in files))
        keys = [file.read_text().strip() for file in files]
        with witnessing(clearinghouse, port, *keys) as again:
            assert again == key
            place = f"{developer.url}/ledger/{logs[0]}"
            soon((developer.home / "ledger" / logs[0] / "checkpoint").is_file)
            verify = ("ledger", "verify", "--from", place, "--key", keys[0], "--witness", key)
            counts = soon(lambda: counted(developer, verify, auditor))
            assert counts["holds"]
            assert counts["kinds"]["call"] == CALLS
            assert [each["name"] for each in counts["cosigned"]] == ["clearinghouse.example"]
            soon(lambda: "signed and cosigned again" in said.read_text())

            mine = ("--upstream-log", str(access_log(developer.home, "orion-1")))
            complete = developer.tell(*verify, *mine, token=lab[2])["completeness"]
            assert (complete["holds"], complete["matched"]) == (True, CALLS)

            developer.tell("window", "withdraw", opened, token=lab[2])
            with pytest.raises(PermissionDeniedError, match=r"the developer withdrew it|this access is over"):
                ask(developer, credential)

        assert_apart(developer, clearinghouse, credential, (lab[2], agency[2], auditor))


def counted(developer, verify, auditor):
    """Return what the auditor at the clearinghouse reads in the log, once all the calls are in it."""
    code, said = developer.ask(*verify, "--json", token=auditor)
    told = json.loads(said) if code == 0 else {"kinds": {}}
    return told if told["kinds"].get("call") == CALLS else None


def assert_apart(developer, clearinghouse, credential, tokens):
    """No half has the other's addresses, and nothing that opens the developer's doors came to the clearinghouse."""
    wanted = {"Authorization": f"Bearer {credential}"}
    assert httpx.get(f"{developer.url}/v1/models", headers=wanted).status_code == 403  # withdrawn, yet there
    for path in ("/api/v1/reports", "/api/v1/cases", "/api/v1/advisories", "/advisories", "/patch-by", "/metrics"):
        assert httpx.get(developer.url + path).status_code == 404, path
    for path in ("/v1/models", "/api/v1/models", "/models"):
        assert httpx.get(clearinghouse.url + path, headers=wanted).status_code == 404, path
    for path in ("/healthz", "/readyz", "/sign-in"):
        assert httpx.get(developer.url + path).status_code == httpx.get(clearinghouse.url + path).status_code == 200
    for token in tokens:
        refused = httpx.get(f"{clearinghouse.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
    secrets = [text.encode() for text in (UPSTREAM_SECRET, credential, *tokens, QUESTION, "orion-1")]
    received = [path for path in clearinghouse.home.rglob("*") if path.is_file()]
    assert any(path.parts[-2] == "logs" for path in received)
    assert [path for path in received for secret in secrets if secret in path.read_bytes()] == []
