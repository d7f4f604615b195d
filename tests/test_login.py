"""Logging in to the whole application: every door is shut to strangers, and opens with a password or a token."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from contextlib import suppress
from html import escape
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from assistant import Assistant
from assistant.pages import login_page, login_problem, page_language
from assistant.security import Access, hash_password, token_digest
from assistant.server import create_app
from assistant.settings import Settings
from tests.helpers import local_client
from tests.ui.driver import serving

PASSWORD = "كلمة سرّ طويلة 42"
TOKEN = "token-of-a-script"
DALIL = (sys.executable, "-c", "from assistant.cli import main; main()")


@pytest.fixture(scope="module")
def access() -> Access:
    return Access({"مريم": hash_password(PASSWORD)}, {"script": token_digest(TOKEN)})


@pytest.fixture(scope="module")
def app(tiny_dalil: Assistant, access: Access):
    return create_app(tiny_dalil, Settings(rate_limit=0), access, token="internal")


@pytest.fixture
def client(app) -> TestClient:
    return local_client(app, follow_redirects=False, headers={"Accept": "text/html"})


def log_in(client: TestClient, name: str = "مريم", password: str = PASSWORD, **more: str) -> httpx.Response:
    return client.post("/login", data={"name": name, "password": password, **more})


# --- the doors ---------------------------------------------------------------------------------------

DOORS = [
    ("GET", "/"),
    ("GET", "/knowledge/"),
    ("GET", "/gradio_api/info"),
    ("GET", "/config"),
    ("GET", "/theme.css"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/upload"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/api/health"),
    ("GET", "/api/docs"),
    ("GET", "/api/openapi.json"),
    ("POST", "/api/ask"),
    ("GET", "/v1/models"),
    ("GET", "/api"),
    ("GET", "/v1"),
    ("POST", "/mcp"),
    ("GET", "/nothing"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_every_door_is_shut_to_strangers(client: TestClient, method: str, path: str):
    response = client.request(method, path)
    if response.status_code == 303:
        assert method == "GET"
        assert response.headers["location"].endswith(f"login?next={path[1:]}")
    else:
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "login_required"
    assert "default-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_they_open_after_the_login(client: TestClient, method: str, path: str):
    assert log_in(client).status_code == 303
    assert client.request(method, path).status_code not in (303, 401)


def test_a_program_comes_in_with_its_token(client: TestClient):
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/health", headers=token).json()["documents"] == 4
    assert client.post("/api/ask", json={"question": "كم طول نهر الأمل؟"}, headers=token).json()["answered"] is True
    assert client.get("/api/health", headers={"Authorization": "Bearer internal"}).status_code == 401


@pytest.mark.parametrize("path", ["/internal/ask", "/internal/nothing", "/internal/%2e%2e/api/health", "/internal"])
def test_what_other_processes_ask_needs_their_token(client: TestClient, path: str):
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        response = client.post(path, json={"question": "x"}, headers=headers)
        assert response.status_code in (401, 403, 404, 422)
        assert "documents" not in response.text


def test_other_processes_come_in_from_this_machine_alone(app, client: TestClient):
    right = {"Authorization": "Bearer internal"}
    assert client.post("/internal/list", headers=right).json()["value"]["facts"] == 3
    away = TestClient(app, client=("192.0.2.7", 4000))
    assert away.post("/internal/list", headers=right).status_code == 403


def test_no_other_site_may_read_anything(client: TestClient):
    log_in(client)
    for origin in ("https://evil.example", "null", "http://localhost:9999"):
        for path in ("/", "/api/health", "/config", "/gradio_api/info", "/healthz"):
            response = client.get(path, headers={"Origin": origin})
            assert [name for name in response.headers if name.startswith("access-control-")] == []
        asked = client.options("/api/ask", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert [name for name in asked.headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=dalil.toml",
        "/gradio_api/file=./dalil.toml",
        "/gradio_api/file=..%2F..%2Fetc%2Fpasswd",
        "/gradio_api/file=%2e%2e/%2e%2e/etc/passwd",
        "/ui/..%2f..%2fserver.py",
        "/ui/%2e%2e/texts.py",
        "/ui//etc/passwd",
        "/ui/app.css%00.png",
        "/ui/fonts/..%2f..%2fapp.ttf",
    ],
)
def test_no_address_is_a_path_of_the_machine(
    client: TestClient, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dalil.toml").write_text("[users]\nroot = 'root:'\n")
    log_in(client)
    response = client.get(path)
    assert response.status_code in (400, 403, 404, 422)
    assert "root:" not in response.text
    assert "import" not in response.text


def test_requests_that_no_browser_sends_do_no_harm(tiny_dalil: Assistant, access: Access):
    with serving(create_app(tiny_dalil, Settings(), access)) as address:
        port = int(address.rpartition(":")[2])
        for line in (
            b"OPTIONS * HTTP/1.1",
            b"GET /ui/../../../../etc/passwd HTTP/1.1",
            b"GET /ui/../api/health HTTP/1.1",
            b"GET /internal/../api/health HTTP/1.1",
            b"GET //evil.example/ HTTP/1.1",
            b"GET http://evil.example/api/health HTTP/1.1",
            b"GET /api/documents/\xd9\x86 HTTP/1.1",
            b"GET /\xff HTTP/1.1",
            b"POST /api/ask HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            b"BREW /api/ask HTTP/1.1",
            b"nonsense",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                connection.settimeout(10)
                reply = b""
                with suppress(TimeoutError):
                    while part := connection.recv(65_536):
                        reply += part
            status = int(reply.split(b" ", 2)[1]) if reply else 400  # closed without a word
            assert 300 <= status < 500, (line, reply)
            assert b"root:" not in reply
            assert b"passages" not in reply
            assert b"Traceback" not in reply


# --- the login ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "place"),
    [
        ("", "./"),
        ("knowledge/", "./knowledge/"),
        ("//evil.example", "./evil.example"),
        ("https://evil.example", "./https%3A//evil.example"),
        ("\\\\evil.example", "./%5C%5Cevil.example"),
        ("x\r\nSet-Cookie: a=b", "./x%0D%0ASet-Cookie%3A%20a%3Db"),
        ("المعرفة", "./%D8%A7%D9%84%D9%85%D8%B9%D8%B1%D9%81%D8%A9"),
    ],
)
def test_a_login_leads_back_to_a_page_of_ours(client: TestClient, then: str, place: str):
    response = log_in(client, next=then)
    assert (response.status_code, response.headers["location"]) == (303, place)
    assert "a=b" not in response.headers["set-cookie"]


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, app, access: Access):
    cookie = log_in(client).headers["set-cookie"].lower()
    assert cookie.startswith(f"{access.cookie}=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert PASSWORD not in cookie
    encrypted = local_client(app, base_url="https://127.0.0.1", follow_redirects=False)
    assert "secure" in log_in(encrypted).headers["set-cookie"].lower()


def test_a_logout_ends_it(client: TestClient):
    log_in(client)
    assert client.get("/api/health").status_code == 200
    left = client.post("/logout")
    assert (left.status_code, left.headers["location"]) == (303, "login")
    assert client.get("/api/health").status_code == 401


@pytest.mark.parametrize(
    ("language", "way", "words"),
    [("ar", "rtl", "الاسم أو كلمة المرور غير صحيحة."), ("en", "ltr", "The name or the password is not right.")],
)
def test_a_wrong_password_is_said_in_the_language_of_the_page(client: TestClient, language: str, way: str, words: str):
    name = '<b>"مريم"</b>'
    response = log_in(client, name, "wrong", lang=language, next='"><script>')
    assert response.status_code == 401
    assert f'<html lang="{language}" dir="{way}">' in response.text
    assert f'role="alert" id="problem">{words}' in response.text
    assert f'value="{escape(name)}"' in response.text
    assert "<script" not in response.text
    assert "wrong" not in response.text
    assert "set-cookie" not in response.headers


def test_passwords_cannot_be_tried_for_ever(tiny_dalil: Assistant):
    access = Access({"x": hash_password("password")})
    shut = local_client(create_app(tiny_dalil, Settings(), access))  # nobody has tried a password yet
    answers = [log_in(shut, "x", f"wrong {number}", lang="ar") for number in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 31
    assert "محاولات كثيرة" in answers[-1].text
    assert log_in(shut, "x", "password").status_code == 429  # the right one neither


@pytest.mark.parametrize("body", [b"", b"name=x", b"\xff\xfe", b"%", b"name=" + b"x" * 100_000, b"a=b&" * 10_000])
def test_a_form_that_is_none_is_a_failed_login(client: TestClient, body: bytes):
    response = client.post("/login", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code == 401


def test_where_no_login_is_required_there_is_none(tiny_dalil: Assistant):
    client = local_client(create_app(tiny_dalil, Settings()), follow_redirects=False)
    assert (client.get("/login").status_code, client.get("/login").headers["location"]) == (303, "./")
    assert client.get("/").status_code == 200


def test_with_tokens_alone_the_page_says_so(tiny_dalil: Assistant):
    access = Access(tokens={"script": token_digest(TOKEN)}, host="0.0.0.0")
    client = local_client(create_app(tiny_dalil, Settings(), access), follow_redirects=False)
    page = client.get("/login", headers={"Accept-Language": "ar"}).text
    assert "لم يُضف مستخدمون بعد" in page
    assert "<form" not in page


# --- the page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("ar", "en", "ar"),
        ("en", "ar", "en"),
        (None, "ar", "ar"),
        (None, "ar-EG,ar;q=0.9,en;q=0.8", "ar"),
        (None, "en;q=0.5, ar;q=0.9", "ar"),
        (None, "fr, ar;q=0.2", "ar"),
        (None, "de", "en"),
        (None, "", "en"),
        (None, "ar;q=0, en;q=0.1", "en"),
        (None, "ar;q=x, en", "en"),
        ("fr", "ar", "ar"),
        ("<b>", "", "en"),
    ],
)
def test_the_language_of_a_page(chosen: str | None, accepted: str, language: str):
    assert page_language(chosen, accepted) == language


def test_the_page_is_for_everybody():
    for language, name in (("ar", "كلمة المرور"), ("en", "Password")):
        page = login_page(language, "knowledge/", problem=login_problem(language))
        for label in re.findall(r'<label for="(\w+)">', page):
            assert f'id="{label}"' in page
        assert f'<label for="password">{name}</label>' in page
        assert 'autocomplete="current-password"' in page
        other = "en" if language == "ar" else "ar"
        assert f'href="login?lang={other}&amp;next=knowledge%2F"' in page
        assert "<script" not in page


# --- the commands ------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DALIL, *arguments], cwd=folder, input=typed, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_printed_lines_let_somebody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names, made = ("مريم", 'a "b" c'), {}
    lines = ["port = 7000\n"]
    for name in names:
        user = run(tmp_path, "user", name, "--stdin", typed=f"{PASSWORD}\n")
        token = run(tmp_path, "token", name)
        assert (user.returncode, user.stderr, token.returncode) == (0, "", 0)
        found = re.search(r"Bearer ([\w-]{40,})'", token.stderr)
        assert found
        made[name] = found[1]
        assert made[name] not in token.stdout
        assert PASSWORD not in user.stdout
        lines += [user.stdout, token.stdout]
        assert [text.count("\n") for text in lines] == [1] * len(lines)
    (tmp_path / "dalil.toml").write_text("".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = Settings(data_dir=tmp_path / "data")
    access = Access.of(settings)
    assert settings.port == 7000
    for name in names:
        assert access.user_of_session(access.login(name, PASSWORD) or "").name == name
        assert access.user_of_token(made[name]).name == name


def test_a_short_password_is_refused(tmp_path: Path):
    done = run(tmp_path, "user", "x", "--stdin", typed="1234567\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "dalil: the password has 7 characters; choose one of at least 8\n"


def test_a_name_that_is_none_is_refused(tmp_path: Path):
    done = run(tmp_path, "token", "a\nb")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a name" in done.stderr


def test_other_machines_are_not_served_without_users(tmp_path: Path):
    (tmp_path / "knowledge").mkdir()
    done = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "dalil: 0.0.0.0 can be reached from other machines and no users are set; run 'dalil user NAME' and put the "
        "line that it prints into dalil.toml, or leave --host out\n"
    )
    assert not (tmp_path / "data").exists()
