"""A tiny release that reads, writes, starts, connects and ends as its input says; and its careful successor."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from leadtime.doors.cli.doctor import BOX_PATH, node_symbols
from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.prove import judge
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import Verdict
from leadtime.flow.validation.task import prepare
from leadtime.flow.validation.trial.run import carry_out
from leadtime.foundation.digests import digest_of_file
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Release
from tests.flow.validation.brittle import Shelf, Trial

NODE = shutil.which("node", path=BOX_PATH)
needs_node = pytest.mark.skipif(
    not node_symbols(Path(NODE) if NODE else None).stands, reason="no Node whose stacks can be read is here"
)

HEADER = """\
int leaky_show(const char *name);
int leaky_store(const char *name);
int leaky_run(const char *name);
int leaky_fetch(const char *name);
int leaky_walk(const char *name, int (*visit)(const char *));
"""

LIBRARY = """\
#include "leaky.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refused(const char *name) { return %(careful)s && (strstr(name, "..") || strpbrk(name, "|@")); }

int leaky_show(const char *name) {
  char path[200], text[200];
  if (refused(name)) return -1;
  snprintf(path, sizeof path, "./%%s", name);
  FILE *file = fopen(path, "r");
  if (!file) return -1;
  size_t size = fread(text, 1, sizeof text, file);
  fclose(file);
  return (int)size;
}

int leaky_store(const char *name) {
  char path[200];
  if (refused(name)) return -1;
  snprintf(path, sizeof path, "./%%s", name);
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  close(file);
  return file;
}

int leaky_run(const char *name) {
  if (refused(name) || name[0] != '|') return -1;
  int answer = system(name + 1);
  return answer + 1;
}

int leaky_fetch(const char *name) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
  if (refused(name) || !inet_aton(name + 1, &to.sin_addr)) return -1;
  int line = socket(AF_INET, SOCK_STREAM, 0);
  int answer = connect(line, (void *)&to, sizeof to);
  return answer + 1;
}

int leaky_walk(const char *name, int (*visit)(const char *)) { int answer = visit(name); return answer + 1; }
"""

PACKAGE = '''\
"""Does what its input says."""

import os
import socket


def refused(name):
    return %(careful)s and (".." in name or name[0] in "|@")


def show(name):
    if not refused(name) and os.path.exists(name):
        with open(name) as file:
            return len(file.read())


def store(name):
    if not refused(name):
        with open(name, "w") as file:
            file.write("x")


def run(name):
    if not refused(name) and name[0] == "|":
        return os.popen(name[1:]).read()


def fetch(name):
    if not refused(name) and name[0] == "@":
        with socket.socket() as line:
            return line.connect_ex((name[1:], 80))


def walk(name, visit):
    return len([visit(name)])
'''

SCRIPT = """\
'use strict';
const { execSync } = require('child_process');
const fs = require('fs');

const refused = (name) => %(careful)s && (name.includes('..') || name[0] === '|');

exports.show = function show(name) {
  return refused(name) || !fs.existsSync(name) ? 0 : fs.readFileSync(name, 'utf8').length;
};

exports.store = (name) => refused(name) || fs.writeFileSync(name, 'x');

exports.later = function later(name) {
  if (!refused(name)) fs.readFile(name, () => {});
};

class Runner {
  run(name) {
    return refused(name) || name[0] !== '|' ? 0 : execSync(name.slice(1)).length;
  }
}
exports.Runner = Runner;

exports.walk = function walk(name, visit) {
  return [name].map(visit).length;
};
"""

WIDE = """\
\ufeff\r
// \u03c0 \U0001f511\r
exports.show = (name) => %(careful)s && name.includes('..') || require('fs').openSync(name);\r
"""

MODULE = """\
import fs from 'node:fs';

export function show(name) {
  if (%(careful)s && name.includes('..')) return 0;
  return fs.existsSync(name) && fs.readFileSync(name).length;
}
"""

TOOL_C = """\
#include <stdio.h>
int main(int count, char **words) {
  FILE *file = count > 1 ? fopen(words[1], "r") : NULL;
  return file && fgetc(file) == '!' && !%(careful)s ? 3 : 0;
}
"""
TOOL = """\
import sys

with open(sys.argv[1]) as file:
    flawed = file.read(1) == "!" and not %(careful)s
sys.exit(3 if flawed else 0)
"""

VERSIONS: Mapping[str, int] = {"1.0": 0, "1.1": 1}
"""1.0 has the flaws, 1.1 is careful."""


def archive_of(version: str) -> bytes:
    """Return the source archive of one version."""
    texts = {
        "lib/leaky.h": HEADER,
        "lib/leaky.c": LIBRARY % {"careful": VERSIONS[version]},
        "lib/tool.c": TOOL_C % {"careful": VERSIONS[version]},
        "leaky/__init__.py": PACKAGE % {"careful": VERSIONS[version]},
        "tool.py": TOOL % {"careful": VERSIONS[version]},
        "leaky.js": SCRIPT % {"careful": VERSIONS[version]},
        "leaky.mjs": MODULE % {"careful": VERSIONS[version]},
        "wide.js": WIDE % {"careful": VERSIONS[version]},
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in texts.items():
            entry = tarfile.TarInfo(f"leaky-{version}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return raw.getvalue()


@dataclass
class LeakyShelf(Shelf):
    """Stands in for the indexes: offers leaky, and nothing else."""

    def release(self, purl: Purl, *, wheel: bool = False) -> Release | None:
        """Return the archive of a version of leaky."""
        if wheel:
            return None
        archive = self.place / f"leaky-{purl.version}.tar.gz"
        if not archive.exists():
            archive.write_bytes(archive_of(str(purl.version)))
        return Release(purl, archive, digest_of_file(archive), archive.name, None)


@dataclass
class Leak(Trial):
    """One recipe for leaky; what is left out is an honest one for its Python package."""

    oracle: str = "canary"
    files: Mapping[str, str] = field(default_factory=dict)
    build: tuple[str, ...] = ()
    run: str = "{python} harness.py {src} {input}"
    limits: Mapping[str, int] = field(default_factory=lambda: {"build_s": 60, "run_s": 60, "memory_mib": 1024})
    exits: Mapping[str, list[int]] = field(default_factory=lambda: {"vulnerable": [3], "fixed": [0]})

    def reproducer(self) -> Reproducer:
        """Return it as a report would carry it."""
        told = super().reproducer()
        recipe = json.loads(told.recipe.replace(b"pkg:pypi/brittle@", b"pkg:pypi/leaky@"))
        return Reproducer(json.dumps({**recipe, "exit": self.exits}).encode(), told.files, told.input)


C_BUILD = "gcc -g -O0 -I{src}/lib harness.c {src}/lib/leaky.c -o target"
C_HARNESS = """\
#include "leaky.h"
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
  char text[200] = "";
  FILE *file = fopen(words[1], "r");
  fgets(text, sizeof text, file);
  printf("%d\\n", CALL);
  return count != 2;
}
"""
HARNESS = """\
import sys
sys.path.insert(0, sys.argv[1])
import leaky
with open(sys.argv[2]) as file:
    text = file.read()
CALL
"""


NODE_HARNESS = """\
const leaky = require(`${process.argv[2]}/leaky.js`);
const text = require('fs').readFileSync(process.argv[3], 'utf8');
CALL
"""


def in_c(call: str, given: str = "plain", **more: object) -> Leak:
    """Return a recipe whose harness in C calls the library so."""
    files = {"harness.c": C_HARNESS.replace("CALL", call)}
    return Leak(files=files, build=(C_BUILD,), run="./target {input}", given=given, **more)  # type: ignore[arg-type]


def in_python(call: str, given: str = "plain", **more: object) -> Leak:
    """Return a recipe whose harness in Python does so."""
    return Leak(files={"harness.py": HARNESS.replace("CALL", call)}, given=given, **more)  # type: ignore[arg-type]


def in_node(call: str, given: str = "plain", **more: object) -> Leak:
    """Return a recipe whose harness in JavaScript does so."""
    files = {"harness.js": NODE_HARNESS.replace("CALL", call)}
    told = {"run": "node harness.js {src} {input}", **more}
    return Leak(files=files, given=given, **told)  # type: ignore[arg-type]


def verdict_on(leak: Leak, place: Path) -> Verdict:
    """Run a recipe once in this process, with everything real but the indexes."""
    reproducer = leak.reproducer()
    task = prepare(
        reproducer,
        LeakyShelf(place),  # type: ignore[arg-type]
        python=None,
        sandbox_user="nobody",
        cache=place / "cache",
        evidence=place / "evidence",
        tell=lambda _: None,
    )
    return judge(parse_recipe(reproducer.recipe), task, carry_out(task, lambda *_: None, runs=1))
