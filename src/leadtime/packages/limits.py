"""Every bound of this room in one place; the unit stands last in each name."""

from __future__ import annotations

PURL_CHARACTERS_MAX = 1_000
VERSION_CHARACTERS_MAX = 200
VERSIONS_CACHED_MAX = 262_144
"""Parsed versions kept in memory; at about 1 KiB each."""

ARCHIVE_BYTES_MAX = 512 << 20
CACHE_BYTES_MAX = 16 << 30
"""Of the archives that are kept; the least recently used give way."""
INCOMING_SECONDS_MAX = 14_400
"""After which nobody downloads a file any more: it was left by a process that was killed."""
PAGE_BYTES_MAX = 64 << 20
"""An index page; the largest real ones (npm packuments) are near 30 MiB."""
REDIRECTS_MAX = 5
TRIES_MAX = 3
RETRY_WAIT_SECONDS = 0.5
"""Doubled after each try."""
CONNECT_SECONDS_MAX = 20.0
DOWNLOAD_SECONDS_MAX = 600.0
INDEX_FILES_MAX = 200_000
FILE_NAME_CHARACTERS_MAX = 255
RELEASES_LISTED_MAX = 5_000
"""Of one package; the largest real ones have near 4,000."""
CONFIGURATION_BYTES_MAX = 1 << 20
CONFIGURATION_FILES_MAX = 100
SOURCE_PARTS_MAX = 32
"""Files of one Debian source package."""
NPM_QUESTION_SECONDS_MAX = 20.0

ENTRIES_MAX = 200_000
UNPACKED_BYTES_MAX = 2 << 30
PATH_BYTES_MAX = 1_024
COMPONENT_BYTES_MAX = 255
DEPTH_COMPONENTS_MAX = 64
HEADER_BYTES_MAX = 256 << 10
"""What the headers of one tar member may take, extended ones included."""
CENTRAL_DIRECTORY_BYTES_MAX = 16 << 20
XZ_MEMORY_BYTES_MAX = 256 << 20
COPY_BYTES = 1 << 20

INNER_ARCHIVES_MAX = 64
INNER_BYTES_MAX = 2 << 30

REQUIREMENT_CHARACTERS_MAX = 200
RESOLVED_WHEELS_MAX = 32
REQUIREMENTS_MAX = 500
METADATA_BYTES_MAX = 1 << 20

RANGES_MAX = 1_000
"""Ranges of one affected package."""
EVENTS_MAX = 5_000
"""Events of one range."""
VERSIONS_LISTED_MAX = 100_000
COMPARISONS_CACHED_MAX = 262_144
RANGES_CACHED_MAX = 4_096
