"""Who asks, and how much: the guard in front of everything that the server answers.

``Access`` knows users, passwords, sessions and tokens; ``Guard`` is the ASGI middleware that lets a request in or
refuses it, and leaves a ``User`` in its scope for ``user_of``. Where no user is set, Dalil listens on this machine
alone and whoever asks is the local user. Every refusal has one shape: ``{"error": {"code": …, "message": …}}``.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response

from assistant.errors import SettingsError

if TYPE_CHECKING:
    from argon2 import PasswordHasher
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from assistant.settings import Settings

SESSION_SECONDS = 7 * 24 * 3600
"""How long a login lasts."""

MAX_BODY_BYTES = 2 * 2**20
"""The largest request that is not an upload."""

DEFAULT_RATE = 60
"""Questions a minute for each user, where users are set and ``rate_limit`` is not."""

LOGINS = 10
LOGIN_SECONDS = 30.0
"""An address may try so many passwords at once, then one each so many seconds."""

KEY_FILE = "session.key"
"""In the data directory: what sessions are signed with, so that a restart keeps them."""

_USER = "dalil.user"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PUBLIC = frozenset({"/healthz", "/login", "/logout", "/favicon.ico"})
_PUBLIC_BELOW = ("/ui/", "/internal/")  # our own files and fonts; what asks for the owner's token itself
_QUESTIONS = frozenset({"/api/ask", "/api/search", "/v1/chat/completions", "/mcp", "/mcp/"})
_CHAT_EVENT = "/gradio_api/queue/join"
_EVENT_COST = 0.25
"""An event of a page counts less than a question: few of them ask one."""
_UPLOAD = "/gradio_api/upload"
_PROGRAMS = frozenset({"api", "v1", "mcp"})


@dataclass(frozen=True, slots=True)
class User:
    """Whoever a request comes from."""

    name: str
    local: bool
    """Nobody had to log in: no users are set, and the request comes from this machine."""
    may_edit: bool
    """May change the knowledge folder. Programs with a token only ask."""


LOCAL = User("local", local=True, may_edit=True)


def count_as_local(scope: MutableMapping[str, Any]) -> None:
    """Whoever sent this request has shown what only the local user can know."""
    scope[_USER] = LOCAL


def user_of(source: Any) -> User | None:
    """Whoever asks: what the guard left in a scope.

    Args:
        source: an ASGI scope, a Starlette request, or a ``gradio.Request`` (whose ``request`` is a Starlette one).
    """
    if source is None:
        return None
    if isinstance(source, Mapping):
        found = source.get(_USER)
        return found if isinstance(found, User) else None
    inner = getattr(source, "request", None)
    return user_of(getattr(source if inner is None else inner, "scope", None))


# --- passwords, sessions and tokens ------------------------------------------------------------------


def hash_password(password: str) -> str:
    """What ``users`` in the settings holds for a password: argon2id with a salt of its own."""
    return _hasher().hash(_normal(password))


def token_digest(token: str) -> str:
    """What ``api_tokens`` in the settings holds for a token. Tokens are random: one quick hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Access:
    """Who may come in. Built once; safe to use from several threads."""

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        key: bytes = b"",
    ) -> None:
        """Settle whether a login is required: where users are set, and on any address but this machine's own.

        Args:
            users: names to what ``hash_password`` made.
            tokens: names to what ``token_digest`` made.
            host: the address that is listened on.
            key: what sessions are signed with; a new one by default.

        Raises:
            SettingsError: the address can be reached from elsewhere and there are neither users nor tokens.
        """
        self.users = {_normal(name): password for name, password in (users or {}).items()}
        self._tokens = dict(tokens or {})
        self.host = host
        self.required = bool(self.users) or not is_loopback(host)
        if self.required and not self.users and not self._tokens:
            raise SettingsError(
                f"{host} can be reached from other machines and no users are set; "
                "run 'dalil user NAME' and put the line that it prints into dalil.toml, or leave --host out"
            )
        key = key or secrets.token_bytes(32)
        self._signer = URLSafeTimedSerializer(key, "dalil-session", signer_kwargs={"digest_method": hashlib.sha256})
        # Cookies do not tell ports apart: two Dalils on one machine must not end each other's sessions.
        self.cookie = f"dalil-{hashlib.sha256(b'cookie' + key).hexdigest()[:8]}"
        self._verifying = threading.Semaphore(1)  # one takes 64 MB

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """What the settings say; sessions are signed with the key of the data directory.

        Raises:
            SettingsError: as ``Access``, or the key cannot be kept.
        """
        key = session_key(settings.index_dir) if settings.users else b""
        return cls(settings.users, settings.api_tokens, settings.host, key)

    def login(self, name: str, password: str) -> str | None:
        """A new session for the right name and password. Takes a moment by design: call it in a thread."""
        from argon2.exceptions import InvalidHashError, VerificationError

        name = _normal(name)
        known = self.users.get(name)
        with self._verifying:
            try:
                _hasher().verify(known or self._nobody, _normal(password))
            except (VerificationError, InvalidHashError):
                return None
        return None if known is None else str(self._signer.dumps([name, _fingerprint(known)]))

    def user_of_session(self, session: str) -> User | None:
        """Whoever logged in, while the login lasts and the password is still the same."""
        try:
            name, fingerprint = self._signer.loads(session, max_age=SESSION_SECONDS)
        except (BadSignature, ValueError, TypeError):
            return None
        known = self.users.get(name)
        if known is None or not secrets.compare_digest(fingerprint, _fingerprint(known)):
            return None
        return User(name, local=False, may_edit=True)

    def user_of_token(self, token: str) -> User | None:
        """The program whose token this is."""
        given = token_digest(token)
        found = [name for name, digest in self._tokens.items() if secrets.compare_digest(given, digest)]
        return User(found[0], local=False, may_edit=False) if found else None

    @cached_property
    def _nobody(self) -> str:
        """Verified for unknown names, so that they take as long as known ones."""
        return hash_password(secrets.token_urlsafe())


def session_key(folder: Path) -> bytes:
    """The key of a data directory, made when it is first asked for and readable by its owner alone.

    Raises:
        SettingsError: it can be neither read nor written.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.stat().st_size != 32:
            unfinished = folder / f"{KEY_FILE}.part"
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(secrets.token_bytes(32))
            unfinished.replace(path)
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be used ({error.strerror}); see --data") from None


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


def _normal(text: str) -> str:
    """One spelling for letters with marks, whatever keyboard they come from."""
    return unicodedata.normalize("NFC", text)


def _fingerprint(password_hash: str) -> str:
    """Tells a session whether the password was changed since."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


# --- how much ----------------------------------------------------------------------------------------


class Rate:
    """So many at once for each key, then one each so many seconds (a token bucket). Safe to use from threads."""

    def __init__(self, burst: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._spent: dict[str, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def take(self, key: str, cost: float = 1.0) -> float:
        """0 where there is room, which is then taken; else seconds until there will be."""
        with self._guard:
            now = self._clock()
            if len(self._spent) > 10_000:  # whoever has been away long enough is forgotten
                limit = self._burst * self._seconds
                self._spent = {name: item for name, item in self._spent.items() if now - item[1] < limit}
            spent, then = self._spent.get(key, (0.0, now))
            spent = max(0.0, spent - (now - then) / self._seconds)
            if spent + cost > self._burst:
                return (spent + cost - self._burst) * self._seconds
            self._spent[key] = spent + cost, now
            return 0.0

    def give_back(self, key: str) -> None:
        """What was taken last does not count after all."""
        with self._guard:
            spent, then = self._spent.get(key, (0.0, 0.0))
            self._spent[key] = max(0.0, spent - 1.0), then


def address_of(scope: Scope) -> str:
    """Where a request comes from, as limits count: an address, or the network that one household has in IPv6."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


# --- the guard ---------------------------------------------------------------------------------------


def refusal(
    scope: Scope, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The one shape of everything that is refused or has failed.

    The pages of Gradio show ``detail`` and OpenAI's clients expect a ``type``: where they ask, they get it too.
    """
    error: dict[str, Any] = {"code": code, "message": message}
    if scope["path"].startswith("/v1/"):
        error |= {"type": "server_error" if status >= 500 else "invalid_request_error", "param": None}
    more = {"detail": message} if "/gradio_api/" in scope["path"] else {}
    return JSONResponse({"error": error, **more}, status, headers)


class Guard:
    """Lets a request in, or refuses it: strange hosts, other sites' pages, strangers, too much and too often."""

    def __init__(
        self, app: ASGIApp, access: Access, rate_limit: int | None = None, max_upload_bytes: int = 50 * 2**20
    ) -> None:
        """Guard an application.

        Args:
            app: what is guarded.
            access: who may come in.
            rate_limit: questions a minute for each user; 0 for no limit. None: ``DEFAULT_RATE`` where users log
                in, no limit for the local user.
            max_upload_bytes: the largest upload.
        """
        self.app = app
        self.access = access
        self.max_upload_bytes = max_upload_bytes
        questions = rate_limit if rate_limit is not None else DEFAULT_RATE if access.required else 0
        self._rate = Rate(questions, 60 / questions) if questions else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its user in the scope, or answer it with the reason why not."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        found = self._stranger(scope, headers) or self._identify(scope, headers)
        if isinstance(found, User):
            scope[_USER] = found
            found = self._too_often(scope, found)
        if isinstance(found, Response):
            await _answer(found, scope, receive, send)
        else:
            await self._pass_on(scope, headers, receive, send)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuses what a page of another site sends with the browser of someone who may come in."""
        host = headers.get("host", "")
        if not self.access.required and not self._is_ours(host):
            # Another site's name that leads here (DNS rebinding): its pages would count as ours.
            return refusal(scope, 403, "unknown_host", f"Dalil does not answer to the name '{host[:100]}'")
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return None
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:  # what the browser itself says; a page cannot forge it
            other = site not in ("same-origin", "none")
        else:
            other = origin is not None and urlsplit(origin).netloc != host
        if not other:
            return None
        return refusal(scope, 403, "cross_site", "requests from pages of other sites are not answered")

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or name == self.access.host.lower()

    def _identify(self, scope: Scope, headers: Headers) -> User | Response | None:
        """Whoever asks, None for a stranger on a page that is for all, or the way to the login."""
        path: str = scope["path"]
        if not self.access.required:
            if scope.get("client") and is_loopback(scope["client"][0]):
                return LOCAL
            message = "only this machine may ask until users are set: dalil user NAME"
            return refusal(scope, 403, "login_required", message)
        kind, _, token = headers.get("authorization", "").partition(" ")
        public = path in _PUBLIC or path.startswith(_PUBLIC_BELOW)
        if kind.lower() == "bearer" and not public:
            user = self.access.user_of_token(token.strip())
            return user or _unauthorised(scope, "this token is not known; 'dalil token NAME' makes one")
        cookies = cookie_parser(headers.get("cookie", ""))
        user = self.access.user_of_session(cookies.get(self.access.cookie, ""))
        if user is not None or public:
            return user
        wants_page = scope["type"] == "http" and scope["method"] == "GET" and not _for_programs(path)
        if wants_page and "text/html" in headers.get("accept", ""):
            up = "../" * (path.count("/") - 1)  # relative, so that it also leads there below a proxy's path
            return RedirectResponse(f"{up or './'}login?next={quote(path.lstrip('/'))}", 303)
        return _unauthorised(scope, "log in, or send 'Authorization: Bearer TOKEN'")

    def _too_often(self, scope: Scope, user: User) -> User | Response:
        if self._rate is None or scope["type"] != "http" or scope["method"] != "POST":
            return user
        path: str = scope["path"]
        cost = 1.0 if path in _QUESTIONS else _EVENT_COST if path.endswith(_CHAT_EVENT) else 0.0
        wait = self._rate.take(address_of(scope) if user.local else user.name, cost) if cost else 0.0
        return user if not wait else too_often(scope, wait)

    async def _pass_on(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Pass the request on; one whose body proves too large is refused whatever the application makes of it."""
        limit = self.max_upload_bytes if scope["path"].endswith(_UPLOAD) else MAX_BODY_BYTES
        told = headers.get("content-length", "0")
        large = refusal(scope, 413, "too_large", f"the request is larger than {limit:,} bytes")
        if not told.isascii() or not told.isdigit() or int(told) > limit:
            await _answer(large, scope, receive, send)
            return
        read = 0
        begun = refused = False

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise _TooLargeError
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal begun, refused
            if read > limit and not begun and not refused:
                refused = True
                await large(scope, receive, send)
            begun = True
            if not refused:
                await send(message)

        try:
            await self.app(scope, receive_some, send_unless_refused)
        except _TooLargeError:
            if not begun:
                await large(scope, receive, send)


class _TooLargeError(Exception):
    """The body of a request goes on beyond the limit."""


def too_often(scope: Scope, wait: float) -> JSONResponse:
    """The refusal of somebody who must wait so many seconds."""
    seconds = math.ceil(wait)
    message = f"too many requests; try again in {seconds} seconds"
    return refusal(scope, 429, "too_many_requests", message, {"Retry-After": str(seconds)})


def _unauthorised(scope: Scope, message: str) -> JSONResponse:
    return refusal(scope, 401, "login_required", message, {"WWW-Authenticate": "Bearer"})


def _for_programs(path: str) -> bool:
    return path != "/api/docs" and (path[1:].partition("/")[0] in _PROGRAMS or "/gradio_api/" in path)


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
    else:
        await response(scope, receive, send)
