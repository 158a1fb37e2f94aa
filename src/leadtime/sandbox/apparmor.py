"""How to let bubblewrap make namespaces where AppArmor keeps ordinary programs from it, as Ubuntu does since 23.10."""

from __future__ import annotations

from pathlib import Path

RESTRICTION = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
PROFILE_FILE = "/etc/apparmor.d/leadtime-bwrap"
PROFILE = """\
abi <abi/4.0>,
include <tunables/global>

profile leadtime-bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
"""
"""For this one program, by its path, so also for the second box, which is made inside the first."""

ADVICE = (
    "Allow user namespaces (sysctl user.max_user_namespaces); in a container, permit it to make namespaces and mounts."
)
APPARMOR_ADVICE = f"""\
AppArmor keeps programs from making user namespaces here. As root, write this into {PROFILE_FILE}

{PROFILE}
and load it with: apparmor_parser -r {PROFILE_FILE}
If /etc/apparmor.d/bwrap-userns-restrict is there, it is for the same program and leaves the second box without the
capabilities it needs: aa-disable it first."""


def namespace_advice(restriction: Path = RESTRICTION) -> str:
    """Return how to get user namespaces on this machine; with the text of a profile where AppArmor withholds them."""
    try:
        is_restricted = restriction.read_text().strip() == "1"
    except OSError:
        is_restricted = False
    return APPARMOR_ADVICE if is_restricted else ADVICE
