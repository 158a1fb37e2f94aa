"""Bounds of the gateway; each name ends in its unit."""

from __future__ import annotations

from leadtime.flow.window import STANDINGS_MAX

MIB = 1 << 20

# Standing.
STANDING_SECONDS_MAX = 1.0
"""A process that has not read a grant's standing for longer than this refuses its calls and cuts its streams (I2)."""
REFRESH_SECONDS = 0.25
HEAR_SECONDS = 0.5
KNOWN_CREDENTIALS_MAX = STANDINGS_MAX
UNKNOWN_CREDENTIALS_MAX = STANDINGS_MAX
ASKING_MAX = 200
"""Credentials that are looked up at once; a flood of unknown ones is told to come again."""

# One call.
REQUEST_BYTES_MAX = 32 * MIB
"""What the larger of the two providers' own interfaces take."""
REQUEST_INLINE_BYTES_MAX = 64 * 1024
"""Larger bodies are read in a thread, so that reading them holds nobody else up."""
JSON_DEPTH_MAX = 64
JSON_CONTAINERS_MAX = 200_000
JSON_VALUES_MAX = 4_000_000
ANSWER_BYTES_MAX = 64 * MIB
EVENT_BYTES_MAX = 8 * MIB
ERROR_BYTES_MAX = 256 * 1024
HELD_BYTES_MAX = 512 * MIB
"""Bodies of requests that one process holds at once, whole or not."""
BODY_SECONDS_MAX = 300.0
CALL_SECONDS_MAX = 3_600.0
SILENCE_SECONDS_MAX = 300.0
CONNECT_SECONDS_MAX = 10.0
LIVE_CALLS_MAX = 2_000
"""Calls that one process has open at once."""
UPSTREAM_CONNECTIONS_MAX = 2_000

# Tokens.
INPUT_OVERHEAD_TOKENS = 1_024
"""What an upstream may put around a request: roles, separators, its own text about tools."""
IMAGE_TOKENS_MAX = 8_192
OUTPUT_TOKENS_DEFAULT = 4_096
"""Put into a request that states no maximum and is metered in tokens or money."""
OUTPUT_TOKENS_MAX = 10_000_000
BYTES_PER_TOKEN_MAX = 32
"""No long text has fewer tokens than one in this many bytes; makes the floor under an upstream's report."""
CHOICES_MAX = 128
PROMPTS_MAX = 2_048

# The committer.
BATCH_CALLS_MAX = 512
WAITING_CALLS_MAX = 4_000
UNWRITTEN_ENDS_MAX = 20_000
"""While so many ends of calls wait to be written, no call is let through."""
RECORD_SECONDS_MAX = 4.0
"""A process that could not tell the database for longer that it lives cuts its streams, before others count it dead."""
COMMIT_SECONDS_MAX = 5.0
SETTLE_SECONDS_MAX = 0.1
"""How long a settlement waits for a call's commit to travel with before it gets one of its own."""
HEARTBEAT_SECONDS = 1.0
PROCESS_SECONDS_MAX = 6.0
"""A process silent for longer is dead: it must have cut its streams `STANDING_SECONDS_MAX` after its last reading."""
SWEEP_SECONDS = 5.0
SWEEP_CALLS_MAX = 10_000

# Refusals.
REFUSALS_PER_MINUTE_MAX = 60
"""Leaves of refusals of one grant; further ones in the minute are counted in the next leaf."""

# Proofs (RFC 9449).
PROOF_SECONDS_MAX = 60
PROOF_CHARS_MAX = 8_192
PROOF_ID_CHARS_MAX = 256

# Sealed records.
SEALED_SEARCH_DAYS = 183
SEALED_KEEP_DAYS = 365
SEALED_BYTES_MAX = 32 * MIB
SEALED_WORDS_MAX = 5_000
WORD_CHARS_MAX = 64
SEARCH_RECORDS_MAX = 200
