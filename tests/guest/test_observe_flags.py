"""What a build's tools may be told, and what a text may say of its own lines, to be believed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "guest"))

from observe_build import has_directives
from observe_flags import doubtful_variables, read_arguments

CC1 = ["cc1", "-quiet", "-I", "lib", "-imultiarch", "x86_64-linux-gnu", "main.c", "-quiet", "-dumpbase", "main.c"]
CLANG = [
    "clang",
    "-cc1",
    "-triple",
    "x86_64-pc-linux-gnu",
    "-emit-obj",
    "-main-file-name",
    "main.c",
    "-x",
    "c",
    "main.c",
]


def doubts(kind: str, *arguments: str) -> tuple[str, ...]:
    """Return why a tool that works in /box/work is not believed."""
    return read_arguments(kind, arguments, "/box/work").doubts


@pytest.mark.parametrize(
    "given",
    [
        ("-MD", "main.d", "-MF", "x.d", "-mtune=generic", "-march=x86-64", "-g", "-O2", "-Wall", "-std=gnu11"),
        ("-fsanitize=address", "-fno-omit-frame-pointer", "-fPIC", "-fstack-protector-strong", "-Wformat=2"),
        ("-D", "NDEBUG", '-DVERSION="1.2"', "-D", "_FORTIFY_SOURCE=2", "-DSQLITE_API=static", "-U", "NDEBUG"),
        ("-MMD", "-MF", "main.d", "--param", "ssp-buffer-size=4", "-fdiagnostics-color=always", "-gdwarf-4"),
    ],
)
def test_what_honest_builds_tell_a_compiler_is_believed(given: tuple[str, ...]) -> None:
    assert read_arguments("compile", [*CC1, *given, "-o", "/tmp/x.s"], "/box/work").doubts == ()


@pytest.mark.parametrize(
    "given",
    [
        "-E",
        "-lang-asm",
        "-fpreprocessed",
        "-fplugin=x.so",
        "-ffile-prefix-map=a=b",
        "-fdebug-prefix-map=a=b",
        "-iplugindir=x",
        "-finput-charset=x",
        "-fno-canonical-nonsense",
        "-traditional-cpp",
        "-mabi=ms",
        "-Dmalloc=small",
        "-DX=a b",
        "-DMALLOC(n)=n",
        "@more",
    ],
)
def test_anything_else_is_not(given: str) -> None:
    assert doubts("compile", *CC1, given) == (given,)


def test_the_source_is_what_is_no_option_and_no_options_value() -> None:
    assert read_arguments("compile", [*CC1, "-MD", "main.d", "-o", "x.s"], "/").sources == {"main.c"}
    assert read_arguments("compile", ["cc1", "-MD", "-quiet", "a.c"], "/").sources == {"a.c"}


def test_clangs_own_compiler_names_its_directory_and_its_source() -> None:
    assert doubts("compile", *CLANG, "-fdebug-compilation-dir=/box/work", "-target-feature", "+avx") == ()
    assert doubts("compile", *CLANG, "-fdebug-compilation-dir", "/box/work") == ()
    assert doubts("compile", *CLANG, "-fdebug-compilation-dir=/box/src") == ("-fdebug-compilation-dir=/box/src",)
    assert doubts("compile", *CLANG, "-fdebug-compilation-dir", "/box/src") == ("-fdebug-compilation-dir /box/src",)
    assert doubts("compile", *CLANG, "-main-file-name", "/box/src/lib/brittle.c") == (
        "-main-file-name /box/src/lib/brittle.c",
    )
    assert doubts("compile", *CLANG, "-x", "ir") == ("-x ir",)
    assert doubts("compile", *CLANG, "-mllvm", "-load=x") == ("-mllvm", "-load=x")
    assert doubts("compile", *CLANG, "-fsanitize-system-ignorelist=/box/x") == ("-fsanitize-system-ignorelist=/box/x",)


def test_an_assembler_is_told_little() -> None:
    assert doubts("assemble", "as", "-I", "lib", "--gdwarf-5", "--64", "-o", "x.o", "/tmp/x.s") == ()
    for given in ("--debug-prefix-map=a=b", "--defsym", "-D", "@x", "--alternate"):
        assert doubts("assemble", "as", given) == (given,)
    assert doubts("assemble", "clang", "-cc1as", "x.s") == ("-cc1as",)


LTO = "/usr/lib/gcc/x86_64-linux-gnu/12"


def test_a_linker_loads_the_systems_own_plug_in_only() -> None:
    honest = ("-plugin", f"{LTO}/liblto_plugin.so", f"-plugin-opt={LTO}/lto-wrapper", "-plugin-opt=-fresolution=/tmp/r")

    assert doubts("link", "ld", *honest, "-z", "relro", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2", "-lm") == ()
    assert doubts("link", "ld", "-plugin", "/box/work/plug.so") == ("-plugin /box/work/plug.so",)
    assert doubts("link", "ld", "-plugin", f"{LTO}/../../../../../box/liblto_plugin.so") != ()
    assert doubts("link", "ld", "-plugin-opt=/box/lto-wrapper") == ("-plugin-opt=/box/lto-wrapper",)
    assert doubts("link", "ld", "-dynamic-linker", "/box/ld.so") == ("-dynamic-linker /box/ld.so",)


@pytest.mark.parametrize(
    "given",
    [
        "-format",
        "--format=binary",
        "-bbinary",
        "-b",
        "-script",
        "--scri",
        "-dT",
        "-T",
        "-c",
        "--wrap=malloc",
        "--wrap",
        "-wrap",
        "--defsym=malloc=x",
        "-defsym",
        "-R",
        "--just-symbols=x",
        "--oformat=x",
        "-zmuldefs",
        "-e",
        "@x",
    ],
)
def test_no_other_way_to_tell_a_linker_what_to_make(given: str) -> None:
    assert doubts("link", "ld", given) == (given,)


def test_variables_that_change_a_tool_are_named() -> None:
    given = {"LD_PRELOAD": "", "GNUTARGET": "binary", "CCC_OVERRIDE_OPTIONS": "", "CFLAGS": "-g", "HOME": ""}

    assert sorted(doubtful_variables(given)) == ["CCC_OVERRIDE_OPTIONS", "GNUTARGET", "LD_PRELOAD"]


@pytest.mark.parametrize(
    "text",
    [
        b'#line 1 "x"',
        b'int a;\n  # 12 "x"',
        b"%:line 1",
        b"??=line 1",
        b"/**/ #line 1",
        b"/*\n*/ #line 1",
        b"#li\\\nne 1",
        b"#li??/\nne 1",
        b"// x ??/\n#line 1",
        b"# \\ \t\r\nline 1",
        b"#/* x */line 1",
        b"#/*\n*/ 1",
        b"int a;\r#line 1",
        b"\\\n#line 1",
        b"a\0b",
    ],
)
def test_every_spelling_of_a_line_directive_is_found(text: bytes) -> None:
    assert has_directives(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"#include <stdio.h>\n#define LINE 1\n#liner\n#if 1\n#endif\n",
        b"/* see bug #12 */ int a; // #line 3\n",
        b'printf("#%d #1\\n", x); /* a */ int b; # x\n',
        b"#define str(x) #x\n",
        b"int a; #line 1\n",
    ],
)
def test_what_is_no_directive_is_none(text: bytes) -> None:
    assert not has_directives(text)


@pytest.mark.parametrize("part", [b"/**/", b"#", b" ", b"\\", b"*/ ", b"#/*", b"\\ ", b"??/"])
def test_text_is_read_in_linear_time(part: bytes) -> None:
    began = time.process_time()

    has_directives(b"x" + part * 200_000)

    assert time.process_time() - began < 2.0
