"""Who may come in, and how much: the guard around a small application, and the pieces that it is made of."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from assistant.errors import SettingsError
from assistant.security import (
    LOCAL,
    MAX_BODY_BYTES,
    Access,
    Guard,
    Rate,
    User,
    hash_password,
    is_loopback,
    session_key,
    token_digest,
    user_of,
)
from assistant.settings import Settings
from tests.helpers import local_client

PASSWORD = "كلمة سرّ طويلة 42"
TOKEN = "a-token-of-a-program"
MARYAM = User("مريم", local=False, may_edit=True)


async def _echo(request: Request) -> JSONResponse:
    """Says who asks and how much was sent."""
    user = user_of(request)
    name = None if user is None else user.name
    return JSONResponse({"user": name, "size": len(await request.body())})


def guarded(access: Access, **limits: int) -> Guard:
    return Guard(Starlette(routes=[Route("/{path:path}", _echo, methods=["GET", "POST", "PUT"])]), access, **limits)


def visitor(access: Access, base_url: str = "http://dalil.test", **limits: int) -> TestClient:
    """A client from another machine."""
    return TestClient(guarded(access, **limits), base_url=base_url, client=("192.0.2.7", 4000), follow_redirects=False)


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def access(password_hash: str) -> Access:
    return Access({"مريم": password_hash}, {"script": token_digest(TOKEN)})


# --- who asks ----------------------------------------------------------------------------------------


def test_without_users_this_machine_may_do_everything():
    client = local_client(guarded(Access()))
    assert client.get("/api/documents").json() == {"user": "local", "size": 0}
    assert (LOCAL.local, LOCAL.may_edit) == (True, True)


def test_without_users_another_machine_may_not():
    refused = visitor(Access(), "http://127.0.0.1").get("/api/documents")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "login_required"


def test_the_user_is_found_in_a_scope_a_request_and_a_request_of_gradio():
    scope = {"type": "http", "dalil.user": MARYAM}
    request = Request(scope)
    assert user_of(scope) == user_of(request) == user_of(SimpleNamespace(request=request)) == MARYAM
    assert user_of({"type": "http"}) is None
    assert user_of(SimpleNamespace(request=None)) is None
    assert user_of(None) is None


def test_a_request_of_gradio_itself_names_its_user():
    import gradio

    assert user_of(gradio.Request(Request({"type": "http", "dalil.user": MARYAM}))) == MARYAM
    assert user_of(gradio.Request()) is None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_this_machine_is_called(host: str, loopback: bool):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "dalil.example"])
def test_another_address_without_users_is_refused(host: str):
    with pytest.raises(SettingsError, match=rf"^{host} can be reached .+'dalil user NAME'"):
        Access(host=host)
    assert Access(tokens={"script": token_digest(TOKEN)}, host=host).required


# --- users -------------------------------------------------------------------------------------------


def test_where_users_are_set_strangers_are_sent_to_the_login(access: Access):
    for client in (visitor(access), local_client(guarded(access), follow_redirects=False)):
        page = client.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "./login?next=")
        page = client.get("/knowledge/files", headers={"Accept": "text/html"})
        assert page.headers["location"] == "../login?next=knowledge/files"
        for path in ("/api/health", "/v1/models", "/mcp", "/gradio_api/info", "/knowledge/gradio_api/info"):
            refused = client.get(path, headers={"Accept": "text/html"})
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert refused.json()["error"]["code"] == "login_required"
        assert client.post("/").status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/login", "/ui/app.css", "/ui/fonts/400.ttf", "/internal/ask"])
def test_some_addresses_are_for_all(access: Access, path: str):
    # what is below /internal asks for a token of its own
    assert visitor(access).get(path).json()["user"] is None


@pytest.mark.parametrize("path", ["/ui", "/login/x", "/healthz/", "//ui/app.css", "/x/ui/app.css", "/UI/app.css"])
def test_what_only_looks_like_them_is_not(access: Access, path: str):
    assert visitor(access).get(f"http://dalil.test{path}").status_code == 401


def test_a_login_lasts_until_it_expires_or_the_password_changes(
    access: Access, password_hash: str, monkeypatch: pytest.MonkeyPatch
):
    session = access.login("مريم", PASSWORD)
    assert session
    client = visitor(access)
    client.cookies.set(access.cookie, session)
    assert client.get("/api/documents").json()["user"] == "مريم"
    assert access.user_of_session(session) == MARYAM
    changed = Access({"مريم": hash_password("another")})
    changed._signer = access._signer
    assert changed.user_of_session(session) is None
    gone = Access({"آخر": password_hash})
    gone._signer = access._signer
    assert gone.user_of_session(session) is None
    monkeypatch.setattr("assistant.security.SESSION_SECONDS", -1)
    assert access.user_of_session(session) is None


def test_a_wrong_name_or_password_is_no_login(access: Access):
    assert access.login("مريم", "wrong") is None
    assert access.login("nobody", PASSWORD) is None
    assert access.login("مريم", "") is None


def test_letters_with_marks_are_the_same_from_every_keyboard():
    composed, decomposed = "caf\u00e9 \u0622", "cafe\u0301 \u0627\u0653"
    access = Access({composed: hash_password(composed)})
    assert access.user_of_session(access.login(decomposed, decomposed) or "").name == composed


@pytest.mark.parametrize("session", ["", "x", "WyJcdTA2NDUiXQ.x.y", "…", '["مريم","x"]', "a" * 5000])
def test_a_forged_session_is_nobody(access: Access, session: str):
    assert access.user_of_session(session) is None


def test_a_session_of_another_key_is_nobody(access: Access, password_hash: str):
    other = Access({"مريم": password_hash})
    session = other.login("مريم", PASSWORD)
    assert access.user_of_session(session or "") is None
    assert other.cookie != access.cookie


def test_the_key_is_kept_for_its_owner_alone(tmp_path: Path, password_hash: str):
    settings = Settings(data_dir=tmp_path / "data", users={"مريم": password_hash})
    session = Access.of(settings).login("مريم", PASSWORD)
    assert Access.of(settings).user_of_session(session or "") == MARYAM  # after a restart
    key = tmp_path / "data" / "session.key"
    if os.name == "posix":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_bytes(b"short")  # torn: a new one is made
    assert len(session_key(tmp_path / "data")) == 32


def test_a_key_that_cannot_be_kept_is_one_clear_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"session\.key cannot be used \(.+\); see --data"):
        session_key(tmp_path / "file")


def test_without_users_no_key_is_written(tmp_path: Path):
    Access.of(Settings(data_dir=tmp_path / "data"))
    assert not (tmp_path / "data").exists()


# --- tokens ------------------------------------------------------------------------------------------


def test_a_program_shows_its_token(access: Access):
    client = visitor(access)
    right = client.get("/api/documents", headers={"Authorization": f"Bearer {TOKEN}"})
    assert right.json()["user"] == "script"
    assert access.user_of_token(TOKEN) == User("script", local=False, may_edit=False)
    for header in (f"Bearer {TOKEN}x", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, "Bearer كلمة".encode()):
        assert client.get("/api/documents", headers={"Authorization": header}).status_code == 401


def test_clients_that_always_send_a_token_need_none_without_users():
    client = local_client(guarded(Access()))
    assert client.get("/v1/models", headers={"Authorization": "Bearer whatever"}).json()["user"] == "local"


def test_tokens_alone_do_not_close_this_machine():
    assert not Access(tokens={"script": token_digest(TOKEN)}).required


# --- other sites -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},  # another port is another site
        {"Origin": "http://127.0.0.1.evil.example"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_pages_of_other_sites_cannot_send(headers: dict[str, str], method: str):
    client = local_client(guarded(Access()))
    refused = client.request(method, "/api/ask", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "cross_site")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_pages_and_programs_can(headers: dict[str, str]):
    assert local_client(guarded(Access())).post("/api/ask", headers=headers).status_code == 200


def test_a_logged_in_browser_cannot_be_used_by_other_sites(access: Access):
    client = visitor(access)
    client.cookies.set(access.cookie, access.login("مريم", PASSWORD) or "")
    assert client.post("/api/ask", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/login", headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:1", "[::1]", "[::1]:7860", "LOCALHOST"])
def test_names_of_this_machine_are_answered(host: str):
    assert local_client(guarded(Access())).get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "a" * 300]
)
def test_other_names_that_lead_here_are_not(host: str):
    refused = local_client(guarded(Access())).get("/", headers={"Host": host})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "unknown_host")
    assert len(refused.text) < 250


# --- how much ----------------------------------------------------------------------------------------


def _pieces(size: int):
    for _ in range(size // 50_000):
        yield b"x" * 50_000


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_that_is_too_large_is_refused(chunked: bool):
    client = local_client(guarded(Access(), max_upload_bytes=3 * MAX_BODY_BYTES))
    size = MAX_BODY_BYTES + 1_000_000

    def post(path: str, size: int):
        return client.post(path, content=_pieces(size) if chunked else b"x" * size)

    refused = post("/api/ask", size)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")
    assert post("/api/ask", 100_000).json()["size"] == 100_000
    assert post("/knowledge/gradio_api/upload", size).status_code == 200  # an upload has a limit of its own
    refused = post("/knowledge/gradio_api/upload", 3 * MAX_BODY_BYTES + 1_000_000)
    assert refused.status_code == 413
    assert refused.json()["detail"] == refused.json()["error"]["message"]  # for Gradio's pages


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "x"])
def test_a_length_that_is_none_is_refused(length: str):
    client = local_client(guarded(Access()))
    response = client.post("/api/ask", headers={"Content-Length": length.encode()}, content=b"x")
    assert response.status_code == 413


def test_a_user_may_ask_so_often(access: Access):
    client = visitor(access, rate_limit=3)
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert [client.post("/api/ask", headers=token).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.post("/v1/chat/completions", headers=token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.json()["error"]["type"] == "invalid_request_error"  # for OpenAI's clients
    assert client.get("/api/documents", headers=token).status_code == 200  # looking is no question
    client.cookies.set(access.cookie, access.login("مريم", PASSWORD) or "")
    assert client.post("/api/ask").status_code == 200  # somebody else
    assert [client.post("/gradio_api/queue/join").status_code for _ in range(9)] == [200] * 8 + [429]


def test_this_machine_has_no_limit_but_one_that_is_set():
    client = local_client(guarded(Access()))
    assert {client.post("/api/ask").status_code for _ in range(100)} == {200}
    limited = local_client(guarded(Access(), rate_limit=1))
    assert [limited.post("/api/ask").status_code for _ in range(2)] == [200, 429]


def test_the_rate_is_counted_for_each_and_comes_back():
    now = 100.0
    rate = Rate(2, 10.0, lambda: now)
    assert [rate.take("a"), rate.take("a"), rate.take("b")] == [0, 0, 0]
    assert rate.take("a") == 10.0
    now += 4
    assert rate.take("a") == pytest.approx(6.0)
    now += 6.5
    assert rate.take("a") == 0
    assert rate.take("a") == pytest.approx(9.5)


def test_what_is_given_back_does_not_count():
    rate = Rate(1, 10.0, lambda: 0.0)
    assert [rate.take("a"), rate.take("a")] == [0, 10.0]
    rate.give_back("a")
    assert rate.take("a") == 0
    rate.give_back("b")
    assert rate.take("b") == 0


def test_the_rate_forgets_whoever_has_been_away():
    now = 0.0
    rate = Rate(1, 10.0, lambda: now)
    for number in range(10_001):
        rate.take(str(number))
    now = 11.0
    rate.take("last")
    assert set(rate._spent) == {"last"}


# --- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"users": {"مريم": "secret"}},
            "setting 'users': Value error, what 'مريم' has is no hash; run: dalil user مريم",
        ),
        (
            {"api_tokens": {"x": "secret"}},
            "setting 'api_tokens': Value error, what 'x' has is no hash; run: dalil token x",
        ),
        ({"users": {" ": "$argon2id$v"}}, "setting 'users': Value error, ' ' is not a name: 1 to 64 letters are"),
        ({"rate_limit": -1}, "setting 'rate_limit': Input should be greater than or equal to 0"),
    ],
)
def test_wrong_settings_are_one_clear_line(values: dict, message: str):
    with pytest.raises(SettingsError) as caught:
        Settings(**values)
    assert str(caught.value) == message


def test_hashes_are_not_shown(password_hash: str):
    shown = repr(Settings(users={"مريم": password_hash}, api_tokens={"x": token_digest(TOKEN)}))
    assert password_hash not in shown
    assert token_digest(TOKEN) not in shown
