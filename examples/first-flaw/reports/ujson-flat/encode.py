"""Encode the "value" of a JSON file with ujson, indented by its "indent"."""

import json
import sys

sys.path.insert(0, sys.argv[2])
import ujson

with open(sys.argv[1]) as stream:
    asked = json.load(stream)
print(len(ujson.dumps(asked["value"], indent=asked["indent"])))
