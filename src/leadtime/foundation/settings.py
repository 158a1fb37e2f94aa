"""Everything an installation may set, read once from the environment at a door and handed inwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from leadtime.foundation.errors import Malformed
from leadtime.foundation.markings import Marking


@dataclass(frozen=True, slots=True)
class OidcClient:
    """This installation as an identity provider knows it; ``name`` is what the sign-in button calls the provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class WitnessAt:
    """A witness that every log is shown to: its verifier key (c2sp.org/signed-note), and where it is asked."""

    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings; each field's comment in `VARIABLES` is its documentation."""

    home: Path
    database_url: str | None
    url: str
    token: str | None
    python: str | None
    sandbox_user: str
    marked_text: frozenset[Marking] = frozenset()
    oidc: OidcClient | None = None
    witnesses: tuple[WitnessAt, ...] = ()
    proxies: tuple[str, ...] = ()
    download_hosts: tuple[str, ...] = ()
    github_archives: str = ""
    range_releases: int = 0


WITNESSES_MAX = 8
RANGE_RELEASES_MAX = 200

CHECKOUT = Path(__file__).parents[3]
"""Where the source lies, if Leadtime runs from a checkout."""

VARIABLES: dict[str, tuple[str, str]] = {
    "LEADTIME_HOME": (
        "var",
        "Directory of data, keys, evidence and caches (mode 0700); the default is in the checkout.",
    ),
    "LEADTIME_DATABASE_URL": ("", "A PostgreSQL server (postgresql://owner@host/db); empty: a private embedded one."),
    "LEADTIME_URL": ("http://127.0.0.1:8420", "Where the site is, for the client commands and for links."),
    "LEADTIME_TOKEN": ("", "API token that the client commands send."),
    "LEADTIME_PYTHON": ("", "The CPython that recipes see as {python}; empty: the system's, if it has headers."),
    "LEADTIME_SANDBOX_USER": ("nobody", "Unprivileged user that hostile code runs as when Leadtime runs as root."),
    "LEADTIME_MARKED_TEXT": ("", "Markings whose text this installation may hold: cui, classified; empty: none."),
    "LEADTIME_OIDC_ISSUER": ("", "Identity provider (OpenID Connect) that people may sign in by; empty: none."),
    "LEADTIME_OIDC_CLIENT_ID": ("", "This installation's client id there; it returns to LEADTIME_URL/sign-in/return."),
    "LEADTIME_OIDC_CLIENT_SECRET": ("", "This installation's client secret there."),
    "LEADTIME_OIDC_CLIENT_SECRET_FILE": ("", "A file that holds that secret instead."),
    "LEADTIME_WITNESSES": (
        "",
        "Witnesses of every log, each KEY@URL with the key that leadtime ledger witness prints, apart by spaces.",
    ),
    "LEADTIME_PROXIES": (
        "",
        "Networks of our own proxies, apart by spaces, whose X-Forwarded-For the gateway believes; empty: none.",
    ),
    "LEADTIME_DOWNLOAD_HOSTS": (
        "",
        "Hosts, apart by spaces, from which a recipe's generic release may come although they are not public.",
    ),
    "LEADTIME_GITHUB_ARCHIVES": (
        "",
        "Where the archive of a GitHub commit lies: an address with {owner}, {name} and {commit}; empty: GitHub's own.",
    ),
    "LEADTIME_RANGE_RELEASES": (
        "12",
        "How many published releases a reproduced flaw is run over, to find the affected ones; 0: none.",
    ),
    "LEADTIME_OIDC_NAME": ("your organisation", "What the sign-in button calls that provider."),
}
"""Environment variable -> (default, one sentence). `docs/settings.md` is generated from this."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that ``environment`` spells; raises `Malformed` for a value that cannot be meant."""

    def value(name: str) -> str:
        return environment.get(name) or VARIABLES[name][0]

    url = value("LEADTIME_URL").rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise Malformed(
            "the address must begin with http:// or https://", where="LEADTIME_URL", next_step="Correct it."
        )
    return Settings(
        home=_home(environment.get("LEADTIME_HOME", "")),
        database_url=value("LEADTIME_DATABASE_URL") or None,
        url=url,
        token=value("LEADTIME_TOKEN") or None,
        python=value("LEADTIME_PYTHON") or None,
        sandbox_user=value("LEADTIME_SANDBOX_USER"),
        marked_text=_markings(value("LEADTIME_MARKED_TEXT")),
        oidc=_oidc(value),
        witnesses=_witnesses(value("LEADTIME_WITNESSES")),
        proxies=tuple(value("LEADTIME_PROXIES").split()),
        download_hosts=tuple(value("LEADTIME_DOWNLOAD_HOSTS").lower().split()),
        github_archives=value("LEADTIME_GITHUB_ARCHIVES"),
        range_releases=_count(value("LEADTIME_RANGE_RELEASES"), "LEADTIME_RANGE_RELEASES", RANGE_RELEASES_MAX),
    )


def is_safe_address(address: str) -> bool:
    """Tell whether what is sent to an address is read by nobody between: https, or this very machine."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
    )


def _oidc(value: Callable[[str], str]) -> OidcClient | None:
    issuer, client_id = value("LEADTIME_OIDC_ISSUER"), value("LEADTIME_OIDC_CLIENT_ID")
    if not issuer:
        return None
    if not is_safe_address(issuer):
        raise Malformed(
            "an identity provider must be reached by https", where="LEADTIME_OIDC_ISSUER", next_step="Correct it."
        )
    secret = value("LEADTIME_OIDC_CLIENT_SECRET") or _content(value("LEADTIME_OIDC_CLIENT_SECRET_FILE"))
    if not client_id or not secret:
        raise Malformed(
            "an identity provider needs a client id and a client secret",
            where="LEADTIME_OIDC_CLIENT_ID",
            next_step="Set both, or neither and no issuer.",
        )
    return OidcClient(issuer, client_id, secret, value("LEADTIME_OIDC_NAME"))


def _count(text: str, where: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and int(text) <= highest):
        raise Malformed(f"this must be a whole number from 0 to {highest}", where=where, next_step="Correct it.")
    return int(text)


def _witnesses(text: str) -> tuple[WitnessAt, ...]:
    found = []
    for written in text.split():
        key, at, url = written.rpartition("@")
        if not at or not key or not is_safe_address(url):
            raise Malformed(
                "a witness is KEY@URL, and its address begins with https:// unless it is on this machine",
                where="LEADTIME_WITNESSES",
                next_step="Correct it.",
            )
        found.append(WitnessAt(key, url))
    if len(found) > WITNESSES_MAX:
        raise Malformed(f"there are more than {WITNESSES_MAX} witnesses", where="LEADTIME_WITNESSES")
    return tuple(found)


def _content(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Malformed(
            "the file cannot be read", where="LEADTIME_OIDC_CLIENT_SECRET_FILE", next_step="Check its path and mode."
        ) from None


def _markings(text: str) -> frozenset[Marking]:
    words = {word.strip().lower() for word in text.split(",")} - {""}
    unknown = words - {marking.value for marking in Marking}
    if unknown:
        raise Malformed(
            "a marking is neither cui nor classified", where="LEADTIME_MARKED_TEXT", next_step="Correct it."
        )
    return frozenset(Marking(word) for word in words)


def _home(named: str) -> Path:
    """Return the directory that is named, else the default: in the checkout if this runs from one, else right here."""
    if named:
        return Path(named).expanduser().absolute()
    default = VARIABLES["LEADTIME_HOME"][0]
    return CHECKOUT / default if (CHECKOUT / "pyproject.toml").is_file() else Path(default).absolute()
