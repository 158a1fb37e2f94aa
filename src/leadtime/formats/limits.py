"""Bounds of everything that is read or written here; each name ends in its unit."""

from __future__ import annotations

from leadtime.foundation.strict_json import JsonBounds

MIB = 1 << 20

DOCUMENT_BYTES_MAX = 32 * MIB
"""One advisory, of any standard; the largest real CSAF document seen has about 15 MiB."""

DOCUMENT = JsonBounds(bytes_max=DOCUMENT_BYTES_MAX, depth_max=64, values_max=4_000_000)

FAILURES_SHOWN_MAX = 1_000
"""Failed rules that one verdict lists; the rest are counted."""

INVENTORY_BYTES_MAX = 128 * MIB

INVENTORY = JsonBounds(bytes_max=INVENTORY_BYTES_MAX, depth_max=128, values_max=16_000_000)

COMPONENTS_MAX = 500_000
"""Components of one inventory, nested ones included."""

COMPONENT_TEXT_CHARS_MAX = 1_000
"""A component's name, version or purl."""

LINES_MAX = 1_000_000
"""Lines of a text inventory, comments included."""

LINE_CHARS_MAX = 10_000
"""One line of a text inventory."""

AFFECTED_MAX = 20_000
"""Packages of one OSV record."""

EVENTS_MAX = 20_000
"""Events of one OSV range, and versions of one affected package."""

TOLD_CHARS_MAX = 200_000
"""One text of a document that is read as a report."""

TOLD_ITEMS_MAX = 1_000
"""Locations, notes, products, scores or credits that are read of one such document."""

RESULTS_MAX = 25_000
"""Results of one SARIF log, vulnerabilities of one CSAF document, rows of one table of reports."""

RULES_MAX = 25_000
"""Rules of one SARIF tool component."""

PRODUCTS_MAX = 50_000
"""Products of one CSAF document, and branches of its tree."""

WORDS_LINES_MAX = 200
"""Lines of a text that are looked at for fields such as ``Component: pkg:pypi/name``."""

MAIL_BYTES_MAX = 16 * MIB
MAIL_LINES_MAX = 500_000
MAIL_PARTS_MAX = 64
MAIL_NESTED_MAX = 16
"""Multiparts and attached mails of one mail, each in the other."""
