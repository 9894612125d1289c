"""Who may ask: only pages that the program itself opened, in requests of bounded size."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1 << 20  # bytes of a POST
_ENTER = "To open this page, use the address that the program printed when it was started."
_WAYS = frozenset({"GET", "HEAD", "POST"})


class Guard:
    """Lets through what brings the token of this start, from its own page, and nothing else.

    The address that the program prints carries the token once; it then lives in a cookie that
    scripts cannot read.  A cookie goes along with requests of any page, so where a request says
    which page it comes from (browsers do for sockets and POST), that must be one of ours.  The
    host is checked since a name of another site may be made to mean this machine.
    """

    def __init__(self, app: ASGIApp, token: str, host: str, port: int) -> None:
        self._app, self._token, self._port = app, token, port
        self._cookie = f"selfplay_{port}"  # cookies are shared by all ports of a host
        self._names = {"localhost", host.lower(), socket.gethostname().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 4403})
            return
        host = headers.get("host", "")
        answer = refusal or self._entry(scope) or self._app
        await answer(scope, receive, _with_headers(send, host if refusal is None else ""))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What is said to a request that is not let through."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return PlainTextResponse("This server does not go by that name.", 403)
        origin, socketed = headers.get("origin"), scope["type"] == "websocket"
        method = "GET" if socketed else scope["method"]
        if method not in _WAYS:
            return PlainTextResponse("Only GET and POST are known here.", 405)
        asks = socketed or method == "POST"
        if origin not in ((f"http://{host}",) if asks else (None, f"http://{host}")):
            return PlainTextResponse("Requests of other pages are refused.", 403)
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("Requests of other pages are refused.", 403)
        if not (self._knows(headers) or (not asks and self._is_entry(scope))):
            return PlainTextResponse(_ENTER, 403)
        if "transfer-encoding" in headers:
            return PlainTextResponse("The length of what is sent must be said.", 411)
        size = headers.get("content-length", "0")
        if not size.isdecimal() or len(size) > 9 or int(size) > BODY_LIMIT:
            return PlainTextResponse(f"More than {BODY_LIMIT:,} bytes are refused.", 413)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether the header Host names this machine: by number, or by a name we know."""
        bare = not host.rpartition("]")[2].rpartition(":")[1]  # clients leave out ":80"
        name, _, port = f"{host}:80".rpartition(":") if bare else host.rpartition(":")
        if port != str(self._port):
            return False
        name = name.removeprefix("[").removesuffix("]")
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self._names
        return True

    def _knows(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in cookies and self._is_token(cookies[self._cookie].value)

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self._token.encode())

    def _is_entry(self, scope: Scope) -> bool:
        query = scope["query_string"]
        if scope["path"] != "/" or len(query) > 200:
            return False
        return self._is_token(parse_qs(query.decode("latin-1")).get("token", [""])[0])

    def _entry(self, scope: Scope) -> Response | None:
        """For the address with the token: the cookie, and on to the address without it."""
        if not self._is_entry(scope):
            return None
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="lax")
        return answer


def _with_headers(send: Send, host: str) -> Send:
    """``send`` that tells the browser to load nothing from elsewhere and to hand nothing on."""
    policy = f"default-src 'self'; connect-src 'self' ws://{host}" if host else "default-src 'none'"
    policy += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = policy
            headers["x-content-type-options"] = "nosniff"
            headers["referrer-policy"] = "no-referrer"
            headers["cross-origin-resource-policy"] = "same-origin"
            headers["cache-control"] = "no-cache"
        await send(message)

    return send_guarded
