"""Reports in each tool's own layout, and what is read of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.merging import Frame, Stack, parse_stack
from leadtime.flow.merging.stacks import FAMILIES, FRAMES_MAX

VECTORS = Path(__file__).parents[2] / "vectors" / "good" / "crashes"
TEXTS = {path.stem: path.read_text() for path in VECTORS.glob("*.txt")}

EXPECTED = {
    "asan-heap-buffer-overflow": Stack(
        "heap-buffer-overflow",
        "READ 1",
        (
            Frame("read_one", "/src/brittle/lib/brittle.c", 5),
            Frame("brittle_sum", "/src/brittle/lib/brittle.c", 13),
        ),
    ),
    "asan-double-free": Stack("double-free", "", (Frame("release", "lib/pool.c", 31),)),
    "asan-segv": Stack(
        "SEGV", "WRITE", (Frame("ns::Tree::insert", "lib/tree.cc", 88), Frame("fill", "lib/tree.cc", 120))
    ),
    "hwasan-tag-mismatch": Stack(
        "tag-mismatch", "WRITE 4", (Frame("fill_row", "lib/rows.c", 17), Frame("draw", "lib/draw.c", 40))
    ),
    "ubsan-signed-integer-overflow": Stack("signed integer overflow", "", (Frame("scale_up", "lib/scale.c", 21),)),
    "ubsan-no-stack": Stack("out-of-bounds", "", (Frame("??", "lib/table.c", 9),)),
    "msan-use-of-uninitialized-value": Stack("use-of-uninitialized-value", "", (Frame("decide", "lib/choice.c", 14),)),
    "lsan-direct-leak": Stack(
        "direct-leak", "", (Frame("node_new", "lib/list.c", 12), Frame("list_add", "lib/list.c", 30))
    ),
    "tsan-data-race": Stack(
        "data-race", "WRITE 4", (Frame("count_one", "lib/count.cc", 8), Frame("pool_run", "lib/pool.cc", 52))
    ),
    "tsan-lock-order": Stack(
        "lock-order-inversion", "", (Frame("pthread_mutex_lock"), Frame("take_both", "lib/locks.c", 22))
    ),
    "libfuzzer-out-of-memory": Stack("out-of-memory", "", (Frame("grow", "lib/buffer.c", 44),)),
    "go-panic": Stack(
        "index out of range",
        "",
        (
            Frame("example.com/brittle.Parser.next", "/home/dev/brittle/parser.go", 41),
            Frame("example.com/brittle.Map", "/home/dev/brittle/map.go", 9),
            Frame("example.com/brittle.Parse.func1", "/home/dev/brittle/parser.go", 12),
        ),
    ),
    "go-nil-dereference": Stack(
        "invalid memory address or nil pointer dereference",
        "",
        (Frame("main.Node.Walk", "/tmp/tree/main.go", 17), Frame("main.main", "/tmp/tree/main.go", 30)),
    ),
    "go-own-panic": Stack(
        "panic",
        "",
        (
            Frame("example.com/machine.step", "/home/dev/machine/step.go", 23),
            Frame("main.main", "/home/dev/machine/main.go", 8),
        ),
    ),
    "go-race": Stack(
        "data-race",
        "WRITE",
        (
            Frame("example.com/tally.Counter.Add", "/home/dev/tally/counter.go", 14),
            Frame("main.main.func1", "/home/dev/tally/main.go", 9),
        ),
    ),
    "go-deadlock": Stack(
        "all goroutines are asleep",
        "",
        (Frame("main.wait", "/tmp/wait/main.go", 6), Frame("main.main", "/tmp/wait/main.go", 11)),
    ),
    "rust-index": Stack(
        "index out of bounds",
        "",
        (
            Frame("brittle::Table::index", "./src/table.rs", 12),
            Frame("brittle::lookup", "./src/lib.rs", 40),
            Frame("brittle::main", "./src/main.rs", 4),
        ),
    ),
    "rust-no-backtrace": Stack("called Option::unwrap() on a None value", "", (Frame("??", "src/queue.rs", 77),)),
    "rust-own-panic": Stack("panic", "", (Frame("??", "src/state.rs", 8),)),
    "rust-under-libfuzzer": Stack(
        "attempt to subtract with overflow",
        "",
        (
            Frame("brittle::shrink", "/src/brittle/src/lib.rs", 31),
            Frame("rust_fuzzer_test_input", "/src/fuzz/fuzz_targets/shrink.rs", 6),
        ),
    ),
    "java-cause": Stack(
        "java.lang.ArrayIndexOutOfBoundsException",
        "",
        (
            Frame("com.example.config.Reader.next", "Reader.java", 71),
            Frame("com.example.config.Reader.lambda$read$0", "Reader.java", 48),
            Frame("com.example.config.Native.call"),
            Frame("com.example.app.Starter.start", "Starter.java", 19),
        ),
    ),
    "java-jazzer": Stack(
        "java.lang.NegativeArraySizeException",
        "",
        (
            Frame("com.example.codec.Decoder.allocate", "Decoder.java", 113),
            Frame("com.example.codec.Decoder.decode", "Decoder.java", 40),
            Frame("com.example.DecoderFuzzer.fuzzerTestOneInput", "DecoderFuzzer.java", 12),
        ),
    ),
    "node-type-error": Stack(
        "TypeError",
        "",
        (
            Frame("inner", "/app/lib/walk.js", 3),
            Frame("Walker", "/app/lib/walk.js", 11),
            Frame("Walker.step", "/app/lib/walker.mjs", 40),
            Frame("<anonymous>", "/app/lib/walk.js", 19),
            Frame("run", "/app/index.js", 7),
        ),
    ),
    "node-out-of-memory": Stack("out-of-memory", "", ()),
    "python-chain": Stack(
        "brittle.BrittleError",
        "",
        (Frame("number", "/app/brittle/__init__.py", 46), Frame("<module>", "/app/harness.py", 3)),
    ),
    "python-faulthandler": Stack(
        "SEGV", "", (Frame("peek", "/app/brittle/native.py", 9), Frame("<module>", "/app/harness.py", 4))
    ),
    "python-group": Stack(
        "ExceptionGroup", "", (Frame("gather", "/app/brittle/tasks.py", 12), Frame("<module>", "/app/harness.py", 5))
    ),
    "python-atheris": Stack(
        "IndexError",
        "",
        (Frame("pick", "/fuzz/brittle/__init__.py", 40), Frame("TestOneInput", "/fuzz/fuzz_pick.py", 9)),
    ),
}


def test_every_report_is_expected() -> None:
    assert set(EXPECTED) == set(TEXTS)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_report_is_read_as_its_tool_meant_it(name: str) -> None:
    assert parse_stack(TEXTS[name]) == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_one_family_alone_knows_a_report(name: str) -> None:
    frames = [stack.frames for family in FAMILIES if (stack := family(TEXTS[name].splitlines())).frames]

    assert len(frames) <= (2 if name == "rust-under-libfuzzer" else 1)


@pytest.mark.parametrize("name", TEXTS)
def test_a_family_reads_nothing_out_of_a_text_without_its_words(name: str) -> None:
    told = [read for read, signs in FAMILIES.items() if not any(sign in TEXTS[name] for sign in signs)]

    assert all(read(TEXTS[name].splitlines()) == Stack("", "", ()) for read in told)


LINES = sorted({line for text in TEXTS.values() for line in text.splitlines()})


@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=80)), max_size=60))
def test_any_mixture_of_lines_is_read_within_bounds(lines: list[str]) -> None:
    stack = parse_stack("\n".join(lines))

    assert len(stack.frames) <= FRAMES_MAX
    assert all(frame.line is None or frame.file is not None for frame in stack.frames)
    assert "\n" not in stack.crash_class


@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_a_report_that_was_cut_says_nothing_of_its_own(name: str, data: st.DataObject) -> None:
    lines = TEXTS[name].splitlines()
    text = "\n".join(lines[: data.draw(st.integers(0, len(lines)))])

    cut = parse_stack(text)

    assert all(f"{frame.file or ''}" in text and str(frame.line or "") in text for frame in cut.frames)


@pytest.mark.parametrize(
    "hostile",
    [
        "\tat " + "a." * 2000 + "b(",
        "\tat " + "a/" * 2000 + "b(c:1)",
        "    at " + "(" * 4000,
        "    at x (" + "a:1:1" * 800,
        "   0: " + "<" * 2000 + " as " * 500,
        "panic: " + "a " * 2000,
        "a(" * 2000,
        "thread 'x' panicked at '" + "', " * 1300,
        "a.b:1:1: runtime error: " + "a " * 2000,
        "x.Y" * 1300 + ":",
        "  | " * 1000,
        "    #0 f " + "(a+0x" * 800,
        "'" * 4000,
        ":1" * 2000,
    ],
)
def test_hostile_lines_cost_bounded_work(hostile: str) -> None:
    assert len(parse_stack("\n".join([hostile] * 200)).frames) <= FRAMES_MAX
