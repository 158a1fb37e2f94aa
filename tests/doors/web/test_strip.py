"""The picture of a package's releases: what each showed is told by its shape, not by colour alone."""

from __future__ import annotations

import re

from leadtime.doors.read_models.pictures import ReleaseMark, ReleaseStrip
from leadtime.doors.web.rendering import templates


def drawn(*words: str) -> str:
    marks = tuple(ReleaseMark(f"1.{number}", word) for number, word in enumerate(words))
    strip = ReleaseStrip(marks, "fixed 1.2", "1.4: clean", 1)
    page = templates().from_string('{% import "pictures.html" as pictures %}{{ pictures.strip(strip) }}')
    return page.render(strip=strip)


def test_each_word_has_a_shape_of_its_own_and_the_ends_have_names() -> None:
    shown = drawn("unknown", "fails", "clean", "")

    assert re.findall(r'class="lt-rel-(\w+)" x="\d+" y="(\d+)" width="8" height="(\d+)"', shown) == [
        ("unknown", "0", "14"),
        ("fails", "0", "14"),
        ("clean", "7", "7"),
        ("untried", "5", "4"),
    ]
    assert '<span class="lt-mono">1.0</span><span class="lt-mono">1.3</span>' in shown
    for word in ("fails", "clean", "run, not known", "not run"):
        assert f"</i>{word}</li>" in shown


def test_what_failed_otherwise_is_in_the_key_where_there_is_any() -> None:
    key = "</i>fails otherwise</li>"
    assert (key in drawn("fails", "clean"), key in drawn("fails_otherwise")) == (False, True)
