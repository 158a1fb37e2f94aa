"""Encode the "value" of a JSON file with ujson, indented by its "indent" as far as a service would let it."""

import json
import sys

sys.path.insert(0, sys.argv[2])
import ujson

INDENT_MAX = 100_000

with open(sys.argv[1]) as stream:
    asked = json.load(stream)
print(len(ujson.dumps(asked["value"], indent=min(asked["indent"], INDENT_MAX))))
