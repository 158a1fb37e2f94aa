"""Harnesses in JavaScript that do it themselves, or have it done where the subject's script seems to stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import Word
from tests.flow.validation.leaky import Leak, in_node, needs_node, verdict_on

pytestmark = [pytest.mark.sandbox, needs_node]

HARNESS_DID = "its faulting frame {} is the harness's, not the subject's"
NO_STACK = "asked for by Node in its thread pool or in a later turn, where no stack tells who wanted it"
START = "require('child_process').execSync('true')"
UNPROVEN = "could not be shown to be built from the release unchanged"

FORGERIES: dict[str, tuple[Leak, Word, str]] = {
    "reads the secret itself": (
        in_node("require('fs').readFileSync('/canary/secret')"),
        Word.HARNESS_FAULT,
        f"secret-read, but {HARNESS_DID.format('(anonymous) harness.js')}",
    ),
    "is called back": (
        in_node(f"leaky.walk(text, function visit() {{ {START}; }});"),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('visit harness.js:3')}",
    ),
    "replaces a function that the subject uses": (
        in_node(f"Array.prototype.map = function map() {{ {START}; return []; }};\nleaky.walk(text, String);"),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('map harness.js:3')}",
    ),
    "replaces a method of the subject's": (
        in_node(f"leaky.Runner.prototype.run = function run() {{ {START}; }};\nnew leaky.Runner().run(text);"),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('run harness.js:3')}",
    ),
    "compiles text under the name of the subject's file": (
        in_node(
            f"const told = `(function show(require) {{ {START}; }})`;\n"
            "const filename = require.resolve(`${process.argv[2]}/leaky.js`);\n"
            "require('vm').runInThisContext(told, { filename })(require);"
        ),
        Word.HARNESS_FAULT,
        f"process-start, but its faulting frame show src/leaky.js:1 {UNPROVEN}",
    ),
    "compiles text under the name of one of Node's own": (
        in_node(
            f"const told = `(function visit(require) {{ return () => {START}; }})`;\n"
            "leaky.walk(text, require('vm').runInThisContext(told, { filename: 'node:fs' })(require));"
        ),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('(anonymous) node:fs:1')}",
    ),
    "makes a function of a text": (
        in_node(f"leaky.walk(text, new Function('require', \"{START}\").bind(null, require));"),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('(anonymous)')}",
    ),
    "evaluates": (
        in_node(f'leaky.walk(text, () => eval("{START}"));'),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('(anonymous)')}",
    ),
    "loads a changed copy": (
        in_node(
            "const fs = require('fs');\n"
            "const honest = fs.readFileSync(`${process.argv[2]}/leaky.js`, 'utf8');\n"
            "fs.writeFileSync('leaky.js', honest.replace(\"[0] !== '|'\", \"[0] === '~'\"));\n"
            "\nnew (require('./leaky.js').Runner)().run('+true');"
        ),
        Word.HARNESS_FAULT,
        f"process-start, but {HARNESS_DID.format('run leaky.js:18')}",
    ),
    "does it in a worker": (
        in_node(
            "new (require('worker_threads').Worker)(\"require('fs').readFileSync('/canary/secret')\", { eval: true });"
        ),
        Word.HARNESS_FAULT,
        f"secret-read, but {HARNESS_DID.format('(anonymous) [worker eval]:1')}",
    ),
    "asks Node's bindings": (
        in_node("process.binding('fs').open('/canary/secret', 0, 0);"),
        Word.HARNESS_FAULT,
        f"secret-read, but {HARNESS_DID.format('(anonymous) harness.js')}",
    ),
    "has V8 compile": (
        in_node(
            "leaky.show('../../canary/secret');", run="NODE_OPTIONS= node --always-sparkplug harness.js {src} {input}"
        ),
        Word.HARNESS_FAULT,
        "secret-read, but its faulting frame ?? is of unknown code, not the subject's",
    ),
    "leaves it to the thread pool": (
        in_node("leaky.later('/canary/secret')"),
        Word.INCONCLUSIVE,
        f"secret-read, but {NO_STACK}",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_who_does_it_himself_is_at_fault(name: str, tmp_path: Path) -> None:
    leak, word, reason = FORGERIES[name]

    verdict = verdict_on(leak, tmp_path)

    assert (verdict.word, verdict.reason, verdict.crash) == (word, reason, None)
