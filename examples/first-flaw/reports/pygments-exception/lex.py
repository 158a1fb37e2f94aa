"""Lex a file as Standard ML and count its tokens."""

import sys

from pygments.lexers import get_lexer_by_name

with open(sys.argv[1]) as stream:
    print(sum(1 for _ in get_lexer_by_name("sml").get_tokens(stream.read())))
