"""Recipes that make a release without a flaw look guilty: an honest release, and nothing about it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import Word
from tests.flow.validation.brittle import Trial, verdict_on

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


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_that_lies_shows_nothing_of_an_honest_release(name: str, tmp_path: Path) -> None:
    verdict = verdict_on(BUILDS[name], tmp_path)

    assert (verdict.word, verdict.crash) == (Word.HARNESS_FAULT, None), verdict.reason


def test_a_source_of_many_comments_is_read_in_no_time(tmp_path: Path) -> None:
    source = "#" + "/**/" * 10_000 + "\nint main(void) { return 0; }\n"
    trial = Trial(vulnerable=INNOCENT, files={"main.c": source}, build=("gcc main.c -o target",))

    verdict = verdict_on(trial, tmp_path)

    assert (verdict.word, verdict.reason) == (Word.NOT_REPRODUCED, "nothing was seen")
