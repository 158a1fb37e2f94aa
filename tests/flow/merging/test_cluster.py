from __future__ import annotations

import pytest

from leadtime.flow.merging import CrashText, cluster, faults
from leadtime.flow.merging import cluster as cluster_module
from leadtime.foundation.errors import Refused


def text(name: str, *frames: str, component: str = "c", crash: str = "SEGV") -> CrashText:
    stack = "\n".join(f"    #{n} 0x1 in {frame}" for n, frame in enumerate(frames))
    return CrashText(name, component, f"==1==ERROR: AddressSanitizer: {crash} on\n{stack}")


def test_groups_are_named_by_their_first_id_and_given_in_the_order_asked():
    texts = [text("b", "f a.c:1", "g a.c:2"), text("c", "x a.c:1"), text("a", "f a.c:1", "g a.c:9")]
    assert list(cluster(texts).items()) == [("b", "a"), ("c", "c"), ("a", "a")]
    assert cluster(texts[::-1]) == cluster(texts)


def test_the_same_names_on_other_lines_are_another_flaw():
    texts = [text("a", "f a.c:1", "g a.c:2", "h a.c:3"), text("b", "f a.c:100", "g a.c:2", "h a.c:3")]
    assert cluster(texts) == {"a": "a", "b": "b"}


def test_without_lines_names_decide_unless_they_are_common():
    rare = [text("a", "f", "g", "h"), text("b", "f", "x", "y"), text("c", "f", "g", "h", component="other")]
    assert cluster(rare) == {"a": "a", "b": "a", "c": "c"}
    common = [text(f"{n:02}", "f", f"g{n}", f"h{n}") for n in range(10)]
    assert len(set(cluster(common).values())) == 10
    assert len(set(cluster(common[:9]).values())) == 1
    equal = [text(f"{n:02}", "f", "g", "h") for n in range(12)]
    assert len(set(cluster(equal).values())) == 1


def test_names_do_not_bridge_what_lines_tell_apart():
    texts = [
        text("a", "f a.c:1", "g a.c:2", "h a.c:3"),
        text("b", "f", "g", "h"),
        text("c", "f a.c:100", "g a.c:2", "h a.c:3"),
    ]
    assert cluster(texts) == {"a": "a", "b": "b", "c": "c"}


def test_a_purls_version_is_a_release_and_no_other_component():
    path = ("f a.c:1", "g a.c:2", "h a.c:3", "i a.c:4")
    moved = ("f a.c:101", "g a.c:2", "h a.c:3", "i a.c:4")
    one, two = "pkg:npm/x@1.0.0", "pkg:npm/x@1.1.0"
    assert cluster([text("a", *path, component=one), text("b", *moved, component=two)]) == {"a": "a", "b": "a"}
    assert cluster([text("a", *path, component=one), text("b", *moved, component=one)]) == {"a": "a", "b": "b"}


def test_texts_that_say_nothing_stay_alone():
    assert cluster([CrashText("a", "", "no"), CrashText("b", "", "no")]) == {"a": "a", "b": "b"}
    assert cluster([]) == {}


def test_too_much_is_refused(monkeypatch):
    module = cluster_module.__globals__
    three = [text(str(n), f"f a.c:{100 * n}") for n in range(3)]
    monkeypatch.setitem(module, "REPORTS_MAX", 3)
    assert cluster(three)
    monkeypatch.setitem(module, "REPORTS_MAX", 2)
    with pytest.raises(Refused, match="there are more than 2 crash reports"):
        cluster(three)


@pytest.mark.parametrize("crash", ["timeout", "SEGV"])
def test_too_many_pairs_are_refused(monkeypatch, crash):
    path = ("b b.c:1", "c b.c:1", "d b.c:1")
    three = [text(str(n), f"f a.c:{100 * n}", *path, component=f"pkg:npm/c@{n}.0.0", crash=crash) for n in range(3)]
    monkeypatch.setattr(faults, "PAIRS_MAX", 3)
    monkeypatch.setitem(cluster_module.__globals__, "PAIRS_MAX", 3)
    assert cluster(three)
    monkeypatch.setattr(faults, "PAIRS_MAX", 2)
    monkeypatch.setitem(cluster_module.__globals__, "PAIRS_MAX", 2)
    with pytest.raises(Refused, match="too many different stacks fail in one function"):
        cluster(three)
