"""The web server: what it serves, what it says about it, and how it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from assistant.errors import DalilError
from assistant.server import create_app, serve
from assistant.settings import Settings
from tests.helpers import local_client

from .fake import FakeDalil

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A client of the application, without a network."""
    with local_client(create_app(FakeDalil())) as client:
        yield client


def test_the_page_loads_with_its_texts_and_names_no_other_site(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "ما هو الممر الأوسط؟" in page.text
    assert "ui/app.js" in page.text
    assert "fonts.googleapis.com" not in page.text


@pytest.mark.parametrize("path", ["/", "/healthz", "/ui/app.js", "/nothing-here"])
def test_every_response_forbids_other_sites(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_nobody_has_to_log_in_on_this_machine(client: TestClient) -> None:
    assert client.get("/who").json() == {"name": None}


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("weight", [400, 600])
def test_the_font_is_served_and_kept(client: TestClient, weight: int) -> None:
    font = client.get(f"/ui/fonts/{weight}.ttf")
    assert font.headers["content-type"] == "font/ttf"
    assert "max-age=31536000" in font.headers["cache-control"]
    assert font.content[:4] == b"\x00\x01\x00\x00"  # how every TrueType file begins


def test_an_unknown_font_weight_is_not_found(client: TestClient) -> None:
    assert client.get("/ui/fonts/123.ttf").status_code == 404


@pytest.mark.parametrize("name", ["app.js", "app.css", "icon.svg"])
def test_static_files_are_checked_for_changes(client: TestClient, name: str) -> None:
    first = client.get(f"/ui/{name}")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(f"/ui/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DalilError, match=rf"^port {port} is in use; choose another with --port$"):
            serve(FakeDalil(), "127.0.0.1", port)


def test_an_address_that_is_not_ours_is_one_clear_line() -> None:
    tokens = Settings(api_tokens={"script": "0" * 64})  # without any it is refused before it is tried
    with pytest.raises(DalilError, match=r"^cannot listen on 192\.0\.2\.1 port 0: .+--host"):
        serve(FakeDalil(), "192.0.2.1", 0, settings=tokens)


def test_an_address_that_others_can_reach_needs_users() -> None:
    with pytest.raises(DalilError, match=r"^0\.0\.0\.0 can be reached from other machines .+'dalil user NAME'"):
        serve(FakeDalil(), "0.0.0.0", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_server_stops_cleanly_with_a_tab_open(name: str) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.ui.serve_fake", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("Dalil is at http://127.0.0.1:")
        address = line.split()[-1]
        assert httpx.get(f"{address}/healthz", timeout=START_SECONDS).json() == {"status": "ok"}
        # What an open tab holds: a stream that never ends by itself.
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/tab", timeout=START_SECONDS) as stream:
            next(stream.iter_bytes())
            began = time.monotonic()
            server.send_signal(getattr(signal, name))
            output, errors = server.communicate(timeout=30)
        seconds = time.monotonic() - began
    finally:
        server.kill()
        server.wait()
    assert server.returncode == 0
    assert (output, errors) == ("", "")
    assert seconds < 4
