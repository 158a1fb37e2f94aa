"""Strip the comments of an SQL file."""

import sys

import sqlparse

with open(sys.argv[1], newline="") as stream:
    print(len(sqlparse.format(stream.read(), strip_comments=True)))
