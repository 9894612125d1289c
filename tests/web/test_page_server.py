"""The server from outside: who is let in, what is bounded, which port it takes, how it ends."""

from __future__ import annotations

import http.client
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("httpx", reason="starlette's client of tests needs it")

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from selfplay.web.channel import Channel, channel_route
from selfplay.web.guard import BODY_LIMIT
from selfplay.web.server import application, listen, page_html

PORT = 8420
OURS = f"http://127.0.0.1:{PORT}"
ECHO = f"ws://127.0.0.1:{PORT}/echo"
TOKEN = "a-token-of-this-start"


async def echo(channel: Channel) -> None:
    async for message in channel:
        await channel.send({"got": message})


async def size(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> Iterator[TestClient]:
    routes = [channel_route("/echo", echo), Route("/size", size, methods=["POST"])]
    app = application(routes, "play", TOKEN, "127.0.0.1", PORT)
    with TestClient(app, base_url=OURS, follow_redirects=False) as client:
        yield client


@pytest.fixture
def inside(client: TestClient) -> TestClient:
    """A client that came by the address with the token."""
    entered = client.get(f"/?token={TOKEN}")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert "SameSite=lax" in entered.headers["set-cookie"]
    return client


@pytest.mark.parametrize(
    ("port", "address", "status"),
    [
        (80, "http://127.0.0.1", 303),  # clients leave out the port that all of HTTP has
        (80, "http://[::1]", 303),
        (8420, "http://127.0.0.1", 403),
        (8420, "http://[::1]:8420", 303),
    ],
)
def test_the_port_of_all_of_http_goes_without_saying(port: int, address: str, status: int) -> None:
    app = application([], "play", TOKEN, "127.0.0.1", port)
    with TestClient(app, base_url=address, follow_redirects=False) as client:
        assert client.get(f"/?token={TOKEN}").status_code == status


def test_the_token_opens_the_page_and_nothing_else_does(client: TestClient) -> None:
    for path in ("/", "/?token=", "/?token=guessed", f"/static/style.css?token={TOKEN}"):
        refused = client.get(path)
        assert (refused.status_code, "address that the program" in refused.text) == (403, True)
        assert "set-cookie" not in refused.headers
    client.get(f"/?token={TOKEN}")
    shown = client.get("/")
    assert (shown.status_code, shown.text) == (200, page_html("play"))
    assert shown.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert client.get("/static/style.css").status_code == 200


def test_nothing_but_the_packages_own_files_is_read(inside: TestClient) -> None:
    for path in ("../server.py", "%2e%2e/server.py", "..%2fserver.py", "/etc/passwd", "%00", "%2e"):
        assert inside.get(f"/static/{path}").status_code in (400, 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"host": "evil.example:8420"},
        {"host": "127.0.0.1:9999"},
        {"host": "127.0.0.1"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_another_origin_and_another_name_are_refused(
    inside: TestClient, headers: dict[str, str]
) -> None:
    assert inside.get("/", headers=headers).status_code == 403
    assert inside.post("/size", headers={"origin": OURS, **headers}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        inside.websocket_connect(ECHO, headers={"origin": OURS, **headers}),
    ):
        raise AssertionError("let in")


def test_a_socket_and_a_post_must_say_whose_they_are(inside: TestClient) -> None:
    assert inside.post("/size", content=b"1234").status_code == 403
    assert inside.post("/size", content=b"1234", headers={"origin": OURS}).text == "4"
    with pytest.raises(WebSocketDisconnect), inside.websocket_connect(ECHO):
        raise AssertionError("let in")
    with inside.websocket_connect(ECHO, headers={"origin": OURS}) as tab:
        tab.send_json({"a": 1})
        assert tab.receive_json() == {"got": {"a": 1}}


def test_a_socket_without_the_token_is_refused(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(ECHO, headers={"origin": OURS}),
    ):
        raise AssertionError("let in")


def test_what_is_sent_is_bounded(inside: TestClient) -> None:
    headers = {"origin": OURS}
    assert inside.post("/size", content=b"0" * BODY_LIMIT, headers=headers).status_code == 200
    assert inside.post("/size", content=b"0" * (BODY_LIMIT + 1), headers=headers).status_code == 413
    chunked = inside.post("/size", content=iter([b"0"]), headers=headers)
    assert chunked.status_code == 411
    assert inside.put("/size", headers=headers).status_code == 405


def test_what_is_no_object_is_told_and_ends_the_socket_in_the_end(inside: TestClient) -> None:
    rng = random.Random(0)
    with inside.websocket_connect(ECHO, headers={"origin": OURS}) as tab:
        for _ in range(49):
            tab.send_text(rng.choice(["", "[", "[]", "3", "null", "[" * 5000, "{]", '"a"']))
            assert tab.receive_json() == {"error": "a message is a JSON object"}
        tab.send_json({"still": "here"})
        assert tab.receive_json() == {"got": {"still": "here"}}
        tab.send_bytes(b"\xff\x00")
        assert "a message is text" in tab.receive_json()["error"]
        with pytest.raises(WebSocketDisconnect):
            tab.receive_json()


def test_malformed_requests_get_an_answer_and_leave_no_traceback() -> None:
    rng = random.Random(1)
    with _started() as (program, port, _):
        for _ in range(200):
            _answered(port, _malformed(rng, port))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 403
        connection.close()
        program.send_signal(signal.SIGINT)
        _, complaints = program.communicate(timeout=20)
    assert (program.returncode, complaints) == (130, "selfplay: interrupted\n")


def test_a_taken_port_is_said_and_the_next_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port) as listening:
            used = listening.getsockname()[1]
    assert port < used <= port + 20
    said = capsys.readouterr().err
    assert said == f"selfplay: port {port} is taken; the page is at port {used}\n"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_a_host_that_is_not_ours_is_a_sentence(host: str) -> None:
    with pytest.raises(OSError, match=f"--host {host}"):
        listen(host, PORT)


class _started:
    """A server as a process of its own, with the port it took and its token."""

    program: subprocess.Popen[str]

    def __enter__(self) -> tuple[subprocess.Popen[str], int, str]:
        code = (
            "from selfplay.web.server import serve\n"
            "try: serve([], 'play', port=0, open_browser=False)\n"
            "except KeyboardInterrupt:\n"
            "    import sys; print('selfplay: interrupted', file=sys.stderr); sys.exit(130)\n"
        )
        self.program = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.program.stdout is not None
        address = self.program.stdout.readline().split()[2]
        port, _, token = address.removeprefix("http://127.0.0.1:").partition("/?token=")
        return self.program, int(port), token

    def __exit__(self, *_: Any) -> None:
        self.program.kill()
        self.program.wait()


def _malformed(rng: random.Random, port: int) -> bytes:
    """A request that no browser sends."""
    lines = [
        rng.choice(["GET / HTTP/1.1", "GET", "POST /a HTTP/1.1", "GET /\x00 HTTP/9", "\xff" * 9]),
        rng.choice([f"Host: 127.0.0.1:{port}", "Host: [", "Host:", "host: a:b:c", "x" * 40000]),
        rng.choice(["Cookie: =;=,;\x01", f"Cookie: selfplay_{port}=\xff", "Cookie: a", "A: b"]),
        rng.choice(["Content-Length: -1", "Content-Length: 99999999999999999999", "A: b", "::"]),
        rng.choice(["Upgrade: websocket\r\nConnection: Upgrade", "Transfer-Encoding: ?", "B: c"]),
    ]
    return "\r\n".join([*lines, "", rng.choice(["", "body", "\x00" * 100])]).encode("latin-1")


def _answered(port: int, request: bytes) -> None:
    """Sends the request; the server answers or closes, and never says that it broke."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        except (ConnectionResetError, BrokenPipeError):
            return
    assert not answer.startswith(b"HTTP/1.1 500")
