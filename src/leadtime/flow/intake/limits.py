"""Bounds of one report; each name ends in its unit."""

from __future__ import annotations

from leadtime.foundation.strict_json import JsonBounds

MIB = 1 << 20

REPORT_BYTES_MAX = 16 * MIB
JSON_DEPTH_MAX = 32
JSON_VALUES_MAX = 200_000
REPORT_BOUNDS = JsonBounds(bytes_max=REPORT_BYTES_MAX, depth_max=JSON_DEPTH_MAX, values_max=JSON_VALUES_MAX)
RECEIPT_BOUNDS = JsonBounds(bytes_max=16 * 1024, depth_max=2, values_max=100)

TITLE_CHARS_MAX = 300
DESCRIPTION_CHARS_MAX = 200_000
LONG_CHARS_MAX = 10_000
SHORT_CHARS_MAX = 300
PURL_CHARS_MAX = 2_048
REFERENCE_CHARS_MAX = 200
PATH_CHARS_MAX = 1_000
FUNCTION_CHARS_MAX = 4_000
"""C++ and Rust write long ones."""

LINE_MAX = 100_000_000
CWE_MAX = 100_000
LOCATIONS_MAX = 1_000
TOLD_MAX = 100
CREDITS_MAX = 100
CREDIT_CHARS_MAX = 300
"""An advisory takes names as long as this: else a report could not be published."""

CREDITS_READ_AT_ONCE = 500
"""Reports whose credits one query reads."""

AFFECTED_MAX = 1_000

RECIPE_BYTES_MAX = 256 * 1024
FILES_MAX = 64
FILE_NAME_CHARS_MAX = 255

PAGE_REPORTS_MAX = 100
BATCH_LINES_MAX = 1_000_000
