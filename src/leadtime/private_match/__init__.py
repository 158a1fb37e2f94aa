"""Do we both know this? Private set intersection between one who asks and one who holds a set; pure, over bytes.

The asker learns which of its own elements the holder has, and nothing of the rest but that there are at most so many
(a power of two). The holder learns how many elements were asked for at most (a power of two), and nothing of them.

Both blind: ``x -> H(x)^a`` on NIST P-256, with a fresh secret of each side (Diffie-Hellman, as in openmined-psi 2).
The holder answers with the asker's points raised to its own secret, and with its whole set under the same secret as a
Golomb-compressed set. Hidden as far as the decisional Diffie-Hellman problem on P-256 is hard and SHA-256 behaves like
a random function; a curious side learns no more, and a lying holder can lie about *held*, but still not read.
"""

from leadtime.private_match.limits import ASKED_MAX, ASKED_MIN, ELEMENT_BYTES, HELD_MAX, REQUEST_BYTES_MAX
from leadtime.private_match.messages import count_asked
from leadtime.private_match.roles import Asker, Holder

__all__ = [
    "ASKED_MAX",
    "ASKED_MIN",
    "ELEMENT_BYTES",
    "HELD_MAX",
    "REQUEST_BYTES_MAX",
    "Asker",
    "Holder",
    "count_asked",
]
