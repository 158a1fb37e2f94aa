from __future__ import annotations

import pytest

from leadtime.flow.merging import Frame, Stack, parse_stack
from leadtime.flow.merging.stacks import FRAMES_MAX, is_runtime, plain_name

ASAN = """INFO: Seed: 1
=================================================================
==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6190 at pc 0x7f bp 0x7f sp 0x7f
WRITE of size 2 at 0x6190 thread T0
    #0 0x7fc8b7a4814a in __interceptor_memcpy ../../../../src/libsanitizer/sanitizer_common/interceptors.inc:827
    #1 0x7fc8b5d2aba4 in ImagingFliDecode src/libImaging/FliDecode.c:197:12
    #2 0x7fc8b5cf10b5 in ns::Reader<char, 2>::read(char const*) const src/decode.cc:131
    #3 0x7fc8b5cf10b5 in helper.part.0 (/usr/lib/libx.so+0x1080) (BuildId: 00)
    #4 0x7fc8b7564525 in method_vectorcall_VARARGS Objects/descrobject.c:330
    #5 0x55bd52682080 in _start (/usr/local/bin/python3.11+0x1080)

allocated by thread T0 here:
    #0 0x7fc8b7ab89cf in malloc asan_malloc_linux.cpp:69
    #1 0x7fc8b754e16b in allocate src/alloc.c:103
"""


def test_a_sanitizers_first_stack_without_the_runtime():
    assert parse_stack(ASAN) == Stack(
        "heap-buffer-overflow",
        "WRITE 2",
        (
            Frame("ImagingFliDecode", "src/libImaging/FliDecode.c", 197),
            Frame("ns::Reader::read", "src/decode.cc", 131),
            Frame("helper"),
        ),
    )


@pytest.mark.parametrize(
    ("line", "crash_class", "access"),
    [
        ("Crash type: Heap-buffer-overflow READ 1", "heap-buffer-overflow", "READ 1"),
        ("Crash type: UNKNOWN READ", "unknown", "READ"),
        ("Crash type: Heap-buffer-overflow READ {*}", "heap-buffer-overflow", "READ {*}"),
        ("Crash type: Segv on unknown address", "segv", ""),
        ("==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0", "SEGV", ""),
        ("==1==ERROR: AddressSanitizer: FPE on unknown address 0x0", "FPE", ""),
        ("==1==WARNING: MemorySanitizer: use-of-uninitialized-value", "use-of-uninitialized-value", ""),
        ("a.c:7:3: runtime error: signed integer overflow: 1 + 2", "signed integer overflow", ""),
        ("The signal is caused by a WRITE memory access.", "", "WRITE"),
        ("==1== ERROR: libFuzzer: timeout after 25 seconds", "timeout", ""),
        ("timeout: still running after 8 s", "timeout", ""),
        ("", "", ""),
    ],
)
def test_class_and_access_in_the_tools_words(line, crash_class, access):
    stack = parse_stack(line)
    assert (stack.crash_class, stack.access) == (crash_class, access)


def test_a_bare_summary():
    text = "Sanitizer: msan\nCrash type: Use-of-uninitialized-value\nCrash address: \n    #0 in mcopy\n    #1 in mget"
    assert parse_stack(text) == Stack("use-of-uninitialized-value", "", (Frame("mcopy"), Frame("mget")))


def test_gdb():
    text = '#0  0x00007f in inner (n=3) at lib/a.c:12\n#1  outer (argv="x y") at lib/a.c:40\n#2  main () at m.c:1'
    assert parse_stack(text).frames == (Frame("inner", "lib/a.c", 12), Frame("outer", "lib/a.c", 40))


def test_python_turns_a_traceback_round_and_leaves_faulthandler_as_it_is():
    traceback = (
        'Traceback (most recent call last):\n  File "run.py", line 1, in <module>\n    go()\n'
        '  File "lib/a.py", line 9, in go\n    x\nValueError: no\n'
    )
    assert parse_stack(traceback) == Stack(
        "ValueError", "", (Frame("go", "lib/a.py", 9), Frame("<module>", "run.py", 1))
    )
    dump = (
        'Thread 0x1 (most recent call first):\n  File "lib/a.py", line 9 in go\n  File "run.py", line 1 in <module>\n'
    )
    assert parse_stack(dump).frames == (Frame("go", "lib/a.py", 9), Frame("<module>", "run.py", 1))


def test_java_and_javascript():
    java = "java.lang.X: no\n\tat org.a.B.inner(B.java:12)\n\tat org.a.B.outer(B.java:3)\n"
    assert parse_stack(java) == Stack(
        "java.lang.X", "", (Frame("org.a.B.inner", "B.java", 12), Frame("org.a.B.outer", "B.java", 3))
    )
    javascript = "RangeError: no\n    at go (lib/a.js:4:9)\n"
    assert parse_stack(javascript) == Stack("RangeError", "", (Frame("go", "lib/a.js", 4),))


@pytest.mark.parametrize(
    ("function", "plain"),
    [
        ("f", "f"),
        ("f(int, char**)", "f"),
        ("a::b<c<d>>::e(f) const", "a::b::e"),
        ("(anonymous namespace)::f()", "f"),
        ("f.part.0", "f"),
        ("f.isra.0.cold", "f"),
        ("BEInt<unsigned short, 2>::operator unsigned short() const", "BEInt::operator unsigned short"),
        ("unbalanced>", "unbalanced"),
        ("", ""),
    ],
)
def test_names_without_types(function, plain):
    assert plain_name(function) == plain


@pytest.mark.parametrize(
    "frame",
    [
        Frame("__asan_memcpy"),
        Frame("main"),
        Frame("_start"),
        Frame("malloc"),
        Frame("memcpy"),
        Frame("fuzzer::RunOneTest", "FuzzerDriver.cpp", 1),
        Frame("LLVMFuzzerTestOneInput", "harness.cc", 1),
        Frame("x", "../sysdeps/nptl/x.h", 1),
        Frame("x", "Python/ceval.c", 1),
    ],
)
def test_runtime_frames_are_never_the_subjects(frame):
    assert is_runtime(frame)


@pytest.mark.parametrize("function", ["free_list", "main_loop", "memcpy_fast", "encode", "aborted"])
def test_names_that_merely_begin_like_the_runtime_are_the_subjects(function):
    assert not is_runtime(Frame(function, "src/a.c", 1))


def test_hostile_text_costs_bounded_work():
    assert len(parse_stack("#1 f a.c:1\n" * (FRAMES_MAX + 100)).frames) == FRAMES_MAX
    for text in ("#0 " + "a " * 400_000, "at " * 300_000, "(" * 900_000, 'File "' * 200_000, "x:" * 500_000):
        assert parse_stack(text).crash_class == ""
