"""Harnesses that lie: each must end as a harness fault, whatever it prints, preloads, patches or pretends."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import Word
from tests.flow.validation.brittle import C_BUILD, HARNESS, Trial, verdict_on

pytestmark = pytest.mark.sandbox

FORGED_REPORT = """\
==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000018 at pc 0x55ccc210b401 bp 0x7f sp 0x7f
READ of size 1 at 0x602000000018 thread T0
    #0 0x55ccc210b400 in read_one lib/brittle.c:5
    #1 0x55ccc210b500 in brittle_sum lib/brittle.c:13
SUMMARY: AddressSanitizer: heap-buffer-overflow lib/brittle.c:5 in read_one
==7==ABORTING
"""

SHARED = "gcc -g -O0 -fsanitize=address -shared -fPIC -I{src}/lib {src}/lib/brittle.c -o libbrittle.so"
PRELOADED = "LD_PRELOAD=$(gcc -print-file-name=libasan.so) PYTHONMALLOC=malloc {python} harness.py {input}"
LIAR = '#line 1 "/box/src/lib/brittle.c"\nint liar(char *p) { return p[8]; }\n'
CALLS_LIAR = "#include <stdlib.h>\nint liar(char *);\nint main(void) { return liar(malloc(8)); }\n"
PYTHON_HARNESS = "import ctypes, sys\nlib = ctypes.CDLL('./libbrittle.so')\n"

FORGERIES: dict[str, Trial] = {
    "prints a report": Trial(
        files={"harness.py": f"import sys\nsys.stderr.write('''{FORGED_REPORT}''')\nsys.exit(1)\n"},
        build=(),
        run="{python} harness.py {input}",
    ),
    "copies a log": Trial(files={"crash.log": FORGED_REPORT}, build=(), run="cat crash.log >&2; exit 1"),
    "prints a report under the real runtime": Trial(
        files={
            "harness.py": f"import os, sys\nsys.stderr.write('''{FORGED_REPORT}''')\nsys.stderr.flush()\nos._exit(1)\n"
        },
        build=(SHARED,),
        run=PRELOADED,
    ),
    "sends itself a signal under the runtime": Trial(
        files={"harness.c": "#include <signal.h>\nint main(void) { return kill(0, SIGSEGV); }\n"},
    ),
    "sends itself a signal from below the subject": Trial(
        files={
            "harness.c": '#include "brittle.h"\n#include <signal.h>\n'
            "static int visit(char c) { raise(SIGSEGV); return c; }\n"
            'int main(void) { return brittle_walk("x", visit); }\n'
        },
    ),
    "overflows its own heap": Trial(
        files={"harness.c": "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(8); return p[8]; }\n"},
    ),
    "overflows in a callback": Trial(
        files={
            "harness.c": '#include "brittle.h"\n#include <stdlib.h>\n'
            "static int visit(char c) { volatile char *p = malloc(8); return p[8] + c; }\n"
            'int main(void) { return brittle_walk("x", visit); }\n'
        },
    ),
    "calls the reporting function": Trial(
        files={
            "harness.c": "#include <stdlib.h>\nvoid __asan_report_load1(void *);\n"
            "int main(void) { char *p = malloc(8); __asan_report_load1(p + 8); return 0; }\n"
        },
    ),
    "calls the reporting function from Python": Trial(
        files={
            "harness.py": PYTHON_HARNESS + "ctypes.CDLL(None).__asan_report_load1(ctypes.c_void_p(0x602000000018))\n"
        },
        build=(SHARED,),
        run=PRELOADED,
    ),
    "names its lines after the subject's": Trial(
        files={"liar.c": LIAR, "main.c": CALLS_LIAR},
        build=("gcc -g -O0 -fsanitize=address main.c liar.c {src}/lib/brittle.c -o target",),
    ),
    "names its lines after the subject's, from a header": Trial(
        files={"liar.h": LIAR, "main.c": '#include "liar.h"\n' + CALLS_LIAR},
        build=("gcc -g -O0 -fsanitize=address main.c {src}/lib/brittle.c -o target && echo >liar.h",),
    ),
    "pipes lying text into the compiler": Trial(
        files={"liar.c": LIAR, "main.c": CALLS_LIAR},
        build=(
            "gcc -g -O0 -fsanitize=address -x c -c - -o liar.o <liar.c",
            "gcc -g -O0 -fsanitize=address main.c liar.o -o target",
        ),
    ),
    "compiles preprocessed text": Trial(
        files={"liar.i": '# 1 "/box/src/lib/brittle.c"\nint liar(char *p) { return p[8]; }\n', "main.c": CALLS_LIAR},
        build=("gcc -g -O0 -fsanitize=address main.c liar.i -o target",),
    ),
    "maps its file names to the subject's": Trial(
        files={"evil/brittle.c": "int liar(char *p) { return p[8]; }\n", "main.c": CALLS_LIAR},
        build=("gcc -g -O0 -fsanitize=address -ffile-prefix-map=evil=/box/src/lib main.c evil/brittle.c -o target",),
    ),
    "assembles text with lying lines": Trial(
        files={"liar.c": LIAR, "main.c": CALLS_LIAR},
        build=(
            "gcc -g -O0 -fsanitize=address -S liar.c -o liar.s",
            "gcc -g -O0 -fsanitize=address main.c liar.s -o target",
        ),
    ),
    "rewrites the program after the linker": Trial(
        files={"liar.c": LIAR, "main.c": CALLS_LIAR},
        build=(
            "gcc -g -O0 -fsanitize=address main.c liar.c -o first",
            "objcopy --add-section .note=main.c first target",
        ),
    ),
    "changes the subject's source": Trial(
        build=("sed -i 's/return \\*place;/return place[64];/' {src}/lib/brittle.c", C_BUILD), given="fine"
    ),
    "has a file of the subject's name": Trial(
        files={"lib/brittle.c": "int liar(char *p) { return p[8]; }\n", "main.c": CALLS_LIAR},
        build=("gcc -g -O0 -fsanitize=address main.c lib/brittle.c -o target",),
    ),
    "lets the source change back while it compiles": Trial(
        files={"main.c": CALLS_LIAR, "liar.c": "int liar(char *p) { return p[8]; }\n"},
        build=(
            "cp {src}/lib/brittle.c kept.c; cp liar.c {src}/lib/brittle.c",
            "gcc -g -O0 -fsanitize=address main.c {src}/lib/brittle.c -o target",
            "cp kept.c {src}/lib/brittle.c",
        ),
    ),
    "brings a runtime of its own": Trial(
        files={
            "fake.c": "#include <stdio.h>\n#include <stdlib.h>\n"
            f"void __asan_init(void) {{}}\nvoid __asan_report_load1(void *p) {{ fputs({FORGED_REPORT!r:.0s}"
            '"==1==ERROR: AddressSanitizer: heap-buffer-overflow", stderr); _Exit(1); }\n',
            "harness.c": HARNESS.replace('printf("%d', '__asan_report_load1(0); printf("%d').replace(
                "int main", "void __asan_report_load1(void *);\nint main"
            ),
        },
        build=(
            "gcc -shared -fPIC fake.c -o libasan.so.8",
            "gcc -g -I{src}/lib harness.c {src}/lib/brittle.c ./libasan.so.8 -Wl,-rpath,. -o target",
        ),
    ),
    "links a runtime of its own": Trial(
        files={
            "fake.c": "#include <stdio.h>\n#include <stdlib.h>\nvoid __asan_init(void) {}\n"
            'void report(void) __asm__("_ZN6__asan18ReportGenericErrorEmmmmbmjb");\n'
            'void report(void) { fputs("==1==ERROR: AddressSanitizer: heap-buffer-overflow", stderr); _Exit(1); }\n'
            "void *take(void *to, const void *from, unsigned long size) { report(); return to; }\n",
            "harness.c": HARNESS,
        },
        build=("gcc -g -O0 -Dmemcpy=take -I{src}/lib harness.c fake.c {src}/lib/brittle.c -o target",),
    ),
    "runs a library that has the C library's name": Trial(
        files={
            "evil.c": "#include <stdlib.h>\nint visit(char c) { volatile char *p = malloc(8); return p[8] + c; }\n",
            "harness.c": '#include "brittle.h"\n#include <dlfcn.h>\nint main(void) {\n'
            '  return brittle_walk("x", (int (*)(char))dlsym(dlopen("/tmp/libc.so.6", RTLD_NOW), "visit")); }\n',
        },
        build=(C_BUILD, "gcc -O0 -fsanitize=address -shared -fPIC evil.c -o evil.so"),
        run="cp evil.so /tmp/libc.so.6 && ./target {input}",
    ),
    "preloads a library that fails beneath the subject": Trial(
        files={
            "evil.c": "#include <stdlib.h>\n#include <stddef.h>\nvoid *memcpy(void *to, const void *from, size_t size) "
            "{ volatile char *p = malloc(8); return p[8] ? to : (void *)from; }\n",
            "harness.c": HARNESS,
        },
        build=(
            C_BUILD.replace("-O0", "-O0 -fno-builtin"),
            "gcc -g -O0 -fno-builtin -fsanitize=address -shared -fPIC evil.c -o evil.so",
        ),
        run="LD_PRELOAD=$(gcc -print-file-name=libasan.so):./evil.so ./target {input}",
        given="fine",
    ),
    "brings a module that nobody saw linked": Trial(
        files={"liar.c": LIAR, "main.c": CALLS_LIAR},
        build=(
            "gcc -g -O0 -fsanitize=address main.c liar.c -o made",
            "{python} -c \"open('target', 'wb').write(open('made', 'rb').read() + b' ')\" && chmod +x target",
        ),
    ),
    "kills its whole group": Trial(
        files={"crash.log": FORGED_REPORT, "harness.py": "import os\nos.kill(0, 9)\n"},
        build=(),
        run="cat crash.log >&2; {python} harness.py",
    ),
    "goes on from a callback without a frame": Trial(
        files={
            "visit.c": '#include "brittle.h"\n#include <stdlib.h>\n#include <string.h>\nstatic char *room;\n'
            "static int (*volatile copy)(void *, const void *, size_t) = (void *)memcpy;\n"
            'static int visit(char c) { return copy(room, "0123456789", 11); }\n'
            'int main(void) { room = malloc(4); return brittle_walk("x", visit); }\n',
        },
        build=(
            "gcc -w -O2 -I{src}/lib -c visit.c -o visit.o",
            "gcc -g -O0 -fsanitize=address -I{src}/lib visit.o {src}/lib/brittle.c -o target",
        ),
    ),
    "crashes in a second process": Trial(
        files={
            "harness.c": HARNESS,
            "other.c": "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(8); return p[8]; }\n",
        },
        build=(C_BUILD, "gcc -g -O0 -fsanitize=address other.c -o other"),
        run="./target {input} && ./other",
        given="fine",
    ),
    "fails on the harmless input, too": Trial(control="!harmless"),
    "spins by itself in C": Trial(
        files={"harness.c": 'int main(void) { for (;;) __asm__ volatile(""); }\n'},
        oracle="hang",
        limits={"build_s": 60, "run_s": 2, "memory_mib": 512},
    ),
    "spins in a callback": Trial(
        files={
            "harness.c": '#include "brittle.h"\nstatic int visit(char c) { for (;;) __asm__ volatile(""); return c; }\n'
            'int main(void) { return brittle_walk("x", visit); }\n'
        },
        oracle="hang",
        limits={"build_s": 60, "run_s": 2, "memory_mib": 512},
    ),
    "sleeps": Trial(files={}, build=(), run="sleep 60", oracle="hang", limits={"run_s": 2}),
    "sleeps in Python": Trial(
        files={"harness.py": "import time\ntime.sleep(60)\n"},
        build=(),
        run="{python} harness.py",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "spins in Python": Trial(
        files={"harness.py": "while True:\n    pass\n"},
        build=(),
        run="{python} harness.py",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "spins in Python, called back by the subject": Trial(
        files={
            "harness.py": "import sys\nsys.path.insert(0, sys.argv[1])\nimport brittle\n\n"
            "def visit(letter):\n    while True:\n        pass\n\nbrittle.each('x', visit)\n"
        },
        build=(),
        run="{python} harness.py {src}",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "spins in Python, called back by the subject in C": Trial(
        files={
            "harness.py": PYTHON_HARNESS + "@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char)\n"
            "def visit(letter):\n    while True:\n        pass\n\nlib.brittle_walk(b'x', visit)\n"
        },
        build=("gcc -g -O0 -shared -fPIC -I{src}/lib {src}/lib/brittle.c -o libbrittle.so",),
        run="{python} harness.py {input}",
        oracle="hang",
        limits={"build_s": 60, "run_s": 2, "memory_mib": 512},
    ),
    "spins in code that names the subject's file": Trial(
        files={
            "harness.py": "import sys\ncode = compile('def total():\\n while True: pass\\ntotal()', "
            "sys.argv[1] + '/brittle/__init__.py', 'exec')\nexec(code)\n"
        },
        build=(),
        run="{python} harness.py {src}",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "spins in code that names the standard library's file, called by the subject": Trial(
        files={
            "harness.py": "import re, sys\nsys.path.insert(0, sys.argv[1])\nimport brittle\nspace = {}\n"
            "exec(compile('def visit(letter):\\n while True: pass', re.__file__, 'exec'), space)\n"
            "brittle.each('x', space['visit'])\n"
        },
        build=(),
        run="{python} harness.py {src}",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "spins in code frozen by name only, called by the subject": Trial(
        files={
            "harness.py": "import sys\nsys.path.insert(0, sys.argv[1])\nimport brittle\nspace = {}\n"
            "exec(compile('def visit(letter):\\n while True: pass', '<frozen os>', 'exec'), space)\n"
            "brittle.each('x', space['visit'])\n"
        },
        build=(),
        run="{python} harness.py {src}",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "reaches the limit by running a package of the subject's name": Trial(
        files={
            "brittle/__init__.py": "def total(text):\n    while True:\n        pass\n",
            "harness.py": "import brittle\nbrittle.total('!')\n",
        },
        build=(),
        run="{python} harness.py",
        oracle="hang",
        limits={"run_s": 2},
    ),
    "prints a report and does not hang": Trial(
        files={"crash.log": FORGED_REPORT}, build=(), run="cat crash.log", oracle="hang", limits={"run_s": 2}
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_harness_that_lies_is_a_harness_fault(name: str, tmp_path: Path) -> None:
    verdict = verdict_on(FORGERIES[name], tmp_path)

    assert (verdict.word, verdict.crash) == (Word.HARNESS_FAULT, None), verdict.reason
