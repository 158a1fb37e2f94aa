"""A tiny release with real flaws, its fixed successor, and a stand-in for the indexes that would offer them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.prove import judge
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import Verdict
from leadtime.flow.validation.task import Task, prepare
from leadtime.flow.validation.trial.run import carry_out
from leadtime.foundation.digests import digest_of_file
from leadtime.foundation.errors import Missing
from leadtime.packages.published import Published
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Release

HEADER = """\
#ifndef BRITTLE_H
#define BRITTLE_H
#include <stddef.h>
int brittle_sum(const char *text, size_t size);
int brittle_walk(const char *text, int (*visit)(char));
int brittle_deep(int level);
int brittle_spin(const char *text);
static inline int brittle_peek(const char *text, int at) { return text[at]; }
#endif
"""

LIBRARY = """\
#include "brittle.h"
#include <stdlib.h>
#include <string.h>

static int read_one(const char *place) { return *place; }

int brittle_sum(const char *text, size_t size) {
  char *copy = malloc(size);
  memcpy(copy, text, size);
  int sum = 0;
  size_t last = size%(slip)s;
  if (text[0] != '!') last = size;
  for (size_t at = 0; at < last; at++) sum += read_one(copy + at);
  if (text[0] == '?') sum += *(volatile int *)%(null)s;
  free(copy);
  return sum;
}

int brittle_walk(const char *text, int (*visit)(char)) {
  int sum = 0;
  for (; *text; text++) sum += visit(*text);
  return sum;
}

int brittle_deep(int level) { char room[64]; room[0] = (char)level; return brittle_deep(level + 1) + room[0]; }

int brittle_spin(const char *text) {
  volatile unsigned turns = 0;
  while (text[0] == '!'%(spin)s) turns++;
  return (int)turns;
}
"""

PACKAGE = '''\
"""Sums, brittly."""

import json


def total(text):
    position = 0
    while position < len(text):
        if text[position] == "!"%(loop)s:
            continue
        position += 1
    return position


def each(text, visit):
    return [visit(letter) for letter in text]


def words(text):
    position = 0
    while position < len(text):
        yield sum(position for _ in range(200))
        if text[position] == "!"%(loop)s:
            continue
        position += 1


class BrittleError(ValueError):
    """Said of text that cannot be read."""


def parse(text):
    if text.startswith("!")%(loop)s:
        raise ValueError("no such text")
    return len(text)


def pick(text):
    return text[1000]


def number(text):
    try:
        return int(text)
    except ValueError as problem:
        raise BrittleError("no number") from problem


def guard(text, visit):
    seen = []
    try:
        return visit(text)
    finally:
        seen.append(len({}.get("none", "")))


def try_out(text):
    try:
        return parse(text)
    except ValueError as problem:
        return problem


def letters(text):
    yield from text


def complain(kind):
    raise kind("no such text")


def descend(levels):
    return descend(levels - 1) + 1 if levels else 0


def decode(text):
    return json.loads(text)


def grow(text):
    return text * (1 << 27)
'''

VERSIONS: Mapping[str, Mapping[str, str]] = {
    "1.0": {"slip": " + 1", "null": "8", "spin": "", "loop": ""},
    "1.1": {"slip": "", "null": "&sum", "spin": " && turns < 9", "loop": " and False"},
    "1.2": {"slip": " + 2", "null": "8", "spin": "", "loop": ""},
    "1.3": {"slip": "", "null": "8", "spin": "", "loop": ""},
}
"""1.0 has the flaws, 1.1 none, 1.2 still has them, 1.3 has lost only the first."""


def archive_of(version: str) -> bytes:
    """Return the source archive of one version."""
    parts = VERSIONS[version]
    files = {
        "lib/brittle.h": HEADER,
        "lib/brittle.c": LIBRARY % parts,
        "brittle/__init__.py": PACKAGE % parts,
        "README": "Brittle.\n",
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"brittle-{version}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return raw.getvalue()


@dataclass
class Shelf:
    """Stands in for the indexes: offers brittle, and nothing else."""

    place: Path

    def release(self, purl: Purl, *, wheel: bool = False) -> Release | None:
        """Return the archive of a version of brittle."""
        if wheel:
            return None
        if purl.name != "brittle" or purl.version not in VERSIONS:
            raise Missing("the package index has no such release", where=str(purl))
        archive = self.place / f"brittle-{purl.version}.tar.gz"
        if not archive.exists():
            archive.write_bytes(archive_of(purl.version))
        return Release(purl, archive, digest_of_file(archive), archive.name, None)

    def published(self, purl: Purl) -> tuple[Published, ...]:
        """Return the versions of brittle."""
        return tuple(Published(version) for version in VERSIONS)

    def requirements(self, texts: Iterable[str], *, python: str = "") -> tuple[Release, ...]:
        """Return no wheels; brittle needs none."""
        return ()


C_BUILD = "gcc -g -O0 -fno-omit-frame-pointer -fsanitize=address -I{src}/lib harness.c {src}/lib/brittle.c -o target"

HARNESS = """\
#include "brittle.h"
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
  static char text[4096];
  FILE *file = fopen(words[1], "rb");
  size_t size = fread(text, 1, sizeof text - 1, file);
  printf("%d\\n", brittle_sum(text, size));
  return count != 2;
}
"""


@dataclass
class Trial:
    """One recipe with its files and input; what is left out is the honest one for brittle's C library."""

    files: Mapping[str, str] = field(default_factory=lambda: {"harness.c": HARNESS})
    build: tuple[str, ...] = (C_BUILD,)
    run: str = "./target {input}"
    env: Mapping[str, str] = field(default_factory=dict)
    oracle: str = "sanitizer"
    given: str = "!overflow"
    control: str | None = None
    vulnerable: str = "1.0"
    fixed: str | None = None
    needs_debian: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=lambda: {"build_s": 60, "run_s": 20, "memory_mib": 1024})

    def reproducer(self) -> Reproducer:
        """Return it as a report would carry it."""
        subject = {"vulnerable": f"pkg:pypi/brittle@{self.vulnerable}"}
        if self.fixed:
            subject["fixed"] = f"pkg:pypi/brittle@{self.fixed}"
        recipe = {
            "schema": "leadtime.recipe/1",
            "subject": subject,
            "files": list(self.files),
            "needs": {"debian": list(self.needs_debian)},
            "build": list(self.build),
            "run": self.run,
            "env": dict(self.env),
            "oracle": self.oracle,
            "limits": dict(self.limits),
            "tests": list(self.tests),
        }
        files = [NamedFile(name, text.encode()) for name, text in self.files.items()]
        if self.control is not None:
            recipe["control"] = "control.txt"
            files.append(NamedFile("control.txt", self.control.encode()))
        return Reproducer(json.dumps(recipe).encode(), tuple(files), NamedFile("input.txt", self.given.encode()))


def task_of(trial: Trial, place: Path, **more: object) -> Task:
    """Return a trial's task, with everything real but the indexes; ``more`` replaces members of it."""
    task = prepare(
        trial.reproducer(),
        Shelf(place),  # type: ignore[arg-type]
        python=None,
        sandbox_user="nobody",
        cache=place / "cache",
        evidence=place / "evidence",
        tell=lambda _: None,
    )
    return replace(task, **more)  # type: ignore[arg-type]


def verdict_on(trial: Trial, place: Path, *, runs: int = 1) -> Verdict:
    """Run a trial in this process, with everything real but the indexes."""
    task = task_of(trial, place)
    return judge(parse_recipe(task.recipe.encode()), task, carry_out(task, lambda *_: None, runs=runs))
