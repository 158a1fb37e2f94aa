"""Security headers on every answer: no script but on two pages, nothing from third parties, no frames."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; "
    "img-src 'self' data:; "  # the stylesheet's own icons are data: addresses
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy (level 3); with no script source at all, markup that slipped through still runs nothing."""

POLICY_OF_PASSKEYS = f"{POLICY}; script-src 'self'"
"""The policy of the two pages that ask a browser for a passkey, which only a script can; it loads our own files."""

SCRIPTED = {"content-security-policy": POLICY_OF_PASSKEYS}

HEADERS = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
STRICT_TRANSPORT = ("strict-transport-security", "max-age=31536000; includeSubDomains")
KEEP_NOTHING = ("cache-control", "no-store")


class Armour:
    """ASGI middleware that adds the headers; answers are not cached unless their route says so."""

    def __init__(self, app: ASGIApp, *, over_https: bool) -> None:
        self._app = app
        self._headers = (*HEADERS, STRICT_TRANSPORT) if over_https else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a ``send`` that adds the headers."""

        async def armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                asked = {name: headers.get(name) == value for name, value in SCRIPTED.items()}
                for name, value in self._headers:
                    if not asked.get(name):
                        headers[name] = value
                headers.setdefault(*KEEP_NOTHING)
            await send(message)

        await self._app(scope, receive, armoured if scope["type"] == "http" else send)
