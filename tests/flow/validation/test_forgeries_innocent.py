"""Recipes that make a release without a flaw look guilty: an honest release, and nothing about it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.records import FixedWord, Harness, Word
from tests.flow.validation.brittle import C_BUILD, HARNESS, Trial, verdict_on

pytestmark = pytest.mark.sandbox

INNOCENT = "1.1"
HEADER = '#include "/box/src/lib/brittle.h"\n'
CALLS_LIAR = (
    '#include "brittle.h"\n#include <stdlib.h>\nint liar(char *);\n'
    'int main(void) { return liar(malloc(8)) + 0 * brittle_sum("a", 1); }\n'
)
BUILD = "gcc -g -O0 -fsanitize=address -I{src}/lib main.c liar.c {src}/lib/brittle.c -o target"
LYING_ASSEMBLY = """\
.if 0
#include "/box/src/lib/brittle.c"
.endif
.file 1 "/box/src/lib/brittle.c"
.text
.globl liar
.type liar,@function
liar:
.cfi_startproc
push %rbp
.cfi_def_cfa_offset 16
.cfi_offset 6,-16
mov %rsp,%rbp
.cfi_def_cfa_register 6
.loc 1 5 0
movzbl 8,%eax
pop %rbp
.cfi_def_cfa 7,8
ret
.cfi_endproc
.size liar,.-liar
.section .note.GNU-stack,"",@progbits
"""
PLUGIN = """\
#include <fcntl.h>
#include <unistd.h>
int fchmod(int, unsigned);
int onload(void *given) {
  char piece[65536];
  int size, made = open("/box/work/target", O_WRONLY | O_CREAT | O_TRUNC, 0755);
  (void)given;
  while ((size = read(9, piece, sizeof piece)) > 0) write(made, piece, size);
  fchmod(made, 0755);
  close(made);
  _exit(0);
}
"""


def lines_named_by(directive: str) -> Trial:
    """Return a harness whose own function claims lines of the subject's header."""
    liar = f"{HEADER}{directive}\nint liar(char *p) {{ return p[8]; }}\n"
    return Trial(vulnerable=INNOCENT, files={"liar.c": liar, "main.c": CALLS_LIAR}, build=(BUILD,))


BUILDS: dict[str, Trial] = {
    "a line directive behind a comment": lines_named_by('/**/ #line 12 "/box/src/lib/brittle.h"'),
    "a line directive behind a comment over lines": lines_named_by('/*\n*/ #line 12 "/box/src/lib/brittle.h"'),
    "a line directive whose word is spliced": lines_named_by('#li\\\nne 12 "/box/src/lib/brittle.h"'),
    "a line directive spliced with a blank": lines_named_by('# \\ \nline 12 "/box/src/lib/brittle.h"'),
    "a line directive with a comment in it": lines_named_by('#/* */line 12 "/box/src/lib/brittle.h"'),
    "a line directive behind what is a trigraph for some": lines_named_by(
        '// what??/\n#line 12 "/box/src/lib/brittle.h"'
    ),
    "assembler text that includes the subject": Trial(
        vulnerable=INNOCENT,
        files={"evil.S": LYING_ASSEMBLY, "main.c": CALLS_LIAR},
        build=(BUILD.replace("liar.c", "evil.S"),),
    ),
    "inline assembler that names lines": Trial(
        vulnerable=INNOCENT,
        files={
            "main.c": f"{HEADER}int read_sum(char *p) {{ int r;"
            ' __asm__ volatile(".loc 1 8 3\\n\\tmovzbl (%1), %0\\n" : "=r"(r) : "r"(p)); return r; }\n'
            "int main(void) { return read_sum((char *)8); }\n"
        },
        build=("gcc -g -O0 -fsanitize=address -I{src}/lib main.c -o target",),
    ),
    "a plug-in of the linker's": Trial(
        vulnerable=INNOCENT,
        files={
            "plug.c": PLUGIN,
            "liar.c": '#line 1 "/box/src/lib/brittle.h"\nint brittle_peek(const char *p, int at) { return p[at]; }\n'
            "int main(void) { return brittle_peek((char *)8, 0); }\n",
        },
        build=(
            "gcc -g -O0 -fsanitize=address liar.c -o prebuilt",
            "gcc -shared -fPIC plug.c -o plug.so",
            "gcc -g -c {src}/lib/brittle.c -o brittle.o",
            "ld -plugin /box/work/plug.so brittle.o -o target 9<prebuilt; ls -l target",
        ),
    ),
    "names mapped by the assembler": Trial(
        vulnerable=INNOCENT,
        files={
            "evil/brittle.h": "int liar(char *p) { return p[8]; }\n",
            "main.c": CALLS_LIAR,
            "liar.c": f'{HEADER}#include "evil/brittle.h"\n',
        },
        build=(BUILD.replace("-g ", "-g -Wa,--debug-prefix-map=evil=/box/src/lib "),),
    ),
    "an allocator put before the real one by the linker": Trial(
        vulnerable=INNOCENT,
        files={
            "main.c": '#include "brittle.h"\n#include <stdlib.h>\nvoid *__real_malloc(size_t);\n'
            "void *__wrap_malloc(size_t size) { return __real_malloc(size / 2); }\n"
            'int main(void) { return brittle_sum("abcdefgh", 8); }\n'
        },
        build=("gcc -g -O0 -fsanitize=address -Wl,--wrap=malloc -I{src}/lib main.c {src}/lib/brittle.c -o target",),
    ),
    "an allocator put before the real one by a macro": Trial(
        vulnerable=INNOCENT,
        files={
            "main.c": '#include "brittle.h"\n#include <stdlib.h>\n'
            "void *small(size_t size) { return calloc(1, size / 2); }\n"
            'int main(void) { return brittle_sum("abcdefgh", 8); }\n'
        },
        build=("gcc -g -O0 -fsanitize=address -Dmalloc=small -I{src}/lib main.c {src}/lib/brittle.c -o target",),
    ),
}


SHORT = {"build_s": 60, "run_s": 2, "memory_mib": 512}
IMPORTS = "import sys\nsys.path.insert(0, sys.argv[1])\nimport brittle\n"
LARGE = (
    '#include "brittle.h"\n#include <string.h>\nstatic char large[1 << 28];\n'
    "int main(void) { memset(large, 97, sizeof large); return brittle_sum(large, sizeof large); }\n"
)


def hang(harness: str, run: str = "{python} harness.py {src}") -> Trial:
    """Return a harness in Python that reaches the limit."""
    return Trial(vulnerable=INNOCENT, oracle="hang", limits=SHORT, files={"harness.py": harness}, build=(), run=run)


HANGS: dict[str, Trial] = {
    "a subject that is stopped by a signal": Trial(
        vulnerable=INNOCENT,
        oracle="hang",
        limits=SHORT,
        files={"harness.c": LARGE},
        run="./target {input} & sleep 0.9; kill -STOP $!; sleep 60",
    ),
    "a subject in Python that is stopped by a signal": Trial(
        vulnerable=INNOCENT,
        oracle="hang",
        limits=SHORT,
        files={},
        build=(),
        run="{python} -c 'import sys; sys.path.insert(0, sys.argv[1]); import brittle; brittle.total(\"a\" * 10**8)'"
        " {src} & sleep 0.8; kill -STOP $!; sleep 60",
    ),
    "a subject that begins late": hang(
        f"import time\ntime.sleep(1.6)\n{IMPORTS}brittle.total('a' * 10**8)\n",
    ),
    "a subject that waits for its input": hang(
        f"{IMPORTS}brittle.each(sys.stdin.buffer, lambda line: 0)\n", "sleep 60 | {python} harness.py {src}"
    ),
    "a subject that is fed slowly": hang(
        f"{IMPORTS}brittle.each(iter(sys.stdin.buffer.readline, 0), str)\n",
        "while sleep 0.01; do echo; done | {python} harness.py {src}",
    ),
    "a subject whose constants are changed": hang(
        f"{IMPORTS}code = brittle.total.__code__\n"
        "constants = tuple(0 if constant == 1 else constant for constant in code.co_consts)\n"
        "brittle.total.__code__ = code.replace(co_consts=constants)\nbrittle.total('abc')\n"
    ),
    "a subject whose names are changed": hang(
        f"{IMPORTS}import itertools\nbrittle.ten = lambda text: 9**9\ncode = brittle.total.__code__\n"
        "brittle.total.__code__ = code.replace(co_names=('ten',))\n"
        "class Text(str):\n    __getitem__ = lambda self, at: 'a'\nbrittle.total(Text('a'))\n"
    ),
    "a subject whose built-in function is one that sleeps": hang(
        f"{IMPORTS}import time\nbrittle.len = time.sleep\nbrittle.total(50)\n"
    ),
}
CIRCUMSTANCES: dict[str, Trial] = {
    "an option of the runtime's that lets large allocations fail": Trial(
        vulnerable=INNOCENT,
        env={"ASAN_OPTIONS": "detect_leaks=0"},
        run="ASAN_OPTIONS=max_allocation_size_mb=1 ./target {input}",
        files={
            "harness.c": '#include "brittle.h"\nstatic char text[3 << 20];\n'
            "int main(void) { return brittle_sum(text, sizeof text); }\n"
        },
    ),
    "a stack made small": Trial(
        vulnerable=INNOCENT,
        files={
            "harness.c": '#include "brittle.h"\n#include <stdlib.h>\n'
            "static int pad(int n) { volatile char room[256]; room[0] = 1; "
            'return n ? pad(n - 1) + room[0] : brittle_sum("abc", 3); }\n'
            "int main(int count, char **words) { return pad(atoi(words[2])); }\n"
        },
        run="ulimit -s 64; for n in $(seq 60 2 200); do ./target {input} $n; done",
    ),
    "a stack used up by the harness": Trial(
        vulnerable=INNOCENT,
        files={
            "harness.c": '#include "brittle.h"\n#include <sys/resource.h>\n'
            "static int pad(int n) { volatile char room[64]; room[0] = 1; "
            "char sums[] = {1, 2}; return brittle_sum(sums, 2) + pad(n + 1) + room[0]; }\n"
            "int main(void) { return pad(0); }\n"
        },
    ),
}


@pytest.mark.parametrize("name", HANGS)
def test_a_subject_that_does_not_work_does_not_hang(name: str, tmp_path: Path) -> None:
    verdict = verdict_on(HANGS[name], tmp_path)

    too_busy = verdict.word is Word.INCONCLUSIVE and "too busy" in verdict.reason
    assert verdict.crash is None, verdict.reason
    assert verdict.word is Word.HARNESS_FAULT or too_busy, verdict.reason


@pytest.mark.parametrize("name", CIRCUMSTANCES)
def test_circumstances_that_make_honest_code_fail_are_a_harness_fault(name: str, tmp_path: Path) -> None:
    verdict = verdict_on(CIRCUMSTANCES[name], tmp_path)

    assert (verdict.word, verdict.crash) == (Word.HARNESS_FAULT, None), verdict.reason


def test_options_that_a_recipe_sets_for_all_give_way_to_ours(tmp_path: Path) -> None:
    trial = CIRCUMSTANCES["an option of the runtime's that lets large allocations fail"]
    trial = replace(trial, env={"ASAN_OPTIONS": "max_allocation_size_mb=1"}, run="./target {input}")

    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.reason) == (Word.NOT_REPRODUCED, "nothing was seen")


@pytest.mark.parametrize(
    "trial",
    [
        Trial(run="if grep -q 'size + 2' {src}/lib/brittle.c; then true; else ./target {input}; fi"),
        Trial(build=("sed -i 's/size + 2/size/' {src}/lib/brittle.c", C_BUILD)),
        Trial(
            files={"harness.py": f"{IMPORTS}brittle.total(open(sys.argv[2]).read())\n"},
            build=(),
            run="if grep -q 'size + 2' {src}/lib/brittle.c; then true; else {python} harness.py {src} {input}; fi",
            oracle="hang",
            limits=SHORT,
        ),
    ],
)
def test_a_fixed_release_that_is_not_run_as_it_is_is_not_clean(trial: Trial, tmp_path: Path) -> None:
    verdict = verdict_on(replace(trial, fixed="1.2"), tmp_path)

    assert (verdict.word, verdict.fixed.word) == (Word.REPRODUCED, FixedWord.NOT_CHECKED), verdict.fixed.reason


def test_a_harness_that_the_build_writes_is_its_finders(tmp_path: Path) -> None:
    trial = Trial(files={}, build=(f"printf '%s' '{HARNESS}' >harness.c", C_BUILD))

    assert verdict_on(trial, tmp_path).harness is Harness.FINDER


def test_a_harness_that_the_run_command_holds_is_its_finders(tmp_path: Path) -> None:
    command = "{python} -c 'import sys; sys.path.insert(0, sys.argv[1]); import brittle; brittle.total(\"!\")' {src}"

    verdict = verdict_on(Trial(files={}, build=(), run=command, oracle="hang", limits=SHORT), tmp_path)

    assert (verdict.word, verdict.harness) == (Word.REPRODUCED, Harness.FINDER), verdict.reason


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_that_lies_shows_nothing_of_an_honest_release(name: str, tmp_path: Path) -> None:
    verdict = verdict_on(BUILDS[name], tmp_path)

    assert (verdict.word, verdict.crash) == (Word.HARNESS_FAULT, None), verdict.reason


def test_a_source_of_many_comments_is_read_in_no_time(tmp_path: Path) -> None:
    source = "#" + "/**/" * 10_000 + "\nint main(void) { return 0; }\n"
    trial = Trial(vulnerable=INNOCENT, files={"main.c": source}, build=("gcc main.c -o target",))

    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.reason) == (Word.NOT_REPRODUCED, "nothing was seen")
