"""The web server: the chat page and its files on one port, and nothing from anywhere else."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import uvicorn
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from fontpkg import path as font_path  # type: ignore[import-untyped]  # it has no types
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles

from assistant import completions, remote
from assistant.api import PATIENCE_SECONDS, event_stream, events, programs
from assistant.assistant import Assistant
from assistant.desk import Attended, Desk
from assistant.errors import DalilError
from assistant.index import Progress
from assistant.login import login_routes
from assistant.mcp import McpEndpoint
from assistant.schema import to_json
from assistant.security import Access, Guard, count_as_local, is_loopback, user_of
from assistant.settings import Settings
from assistant.ui.texts import FONT_FAMILY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from assistant.feedback import FeedbackLog

KNOWLEDGE_PATH = "/knowledge"

SHUTDOWN_SECONDS = 1
"""How long open requests may take to end when the server stops; open tabs hold theirs for ever."""

MODEL_ANSWERS = 8
"""Answers at once where a language model writes them; it has its own queue."""

FONT_WEIGHTS = (400, 600)

# Gradio needs inline scripts and eval; what matters is that no address but our own is ever asked.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the security headers to every response, streams included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers when its response starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]  # Gradio lets some other sites in; here none may read anything
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class RevalidatedFiles(StaticFiles):
    """Static files that browsers check for changes, so that an upgrade never meets an old script."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """The file, or a 304 where the browser's copy is still good."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed on unread
        response.headers["Cache-Control"] = "no-cache"
        return response


class Divert:
    """Sends requests below some paths to other applications, before anything else sees them."""

    def __init__(self, app: ASGIApp, places: Mapping[str, ASGIApp]) -> None:
        self.app = app
        self.places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to where it belongs."""
        app = self.app
        if scope["type"] == "http":
            app = self.places.get(scope["path"][1:].partition("/")[0], app)
        await app(scope, receive, send)


def create_app(
    dalil: Assistant,
    settings: Settings | None = None,
    access: Access | None = None,
    token: str | None = None,
    feedback: FeedbackLog | None = None,
) -> FastAPI:
    """The web application for one assistant: its pages, what programs ask, and the guard in front of all.

    Args:
        dalil: Answers the questions. It stays open when the application stops: whoever made it closes it.
        settings: Limits and users; read as ever if left out.
        access: Who may come in; what the settings say if left out.
        token: Opens what other processes of this machine may ask; without it they may ask nothing.
        feedback: Keeps what people think of answers.

    Raises:
        SettingsError: the address needs users or tokens, and there are none.
    """
    # Gradio takes seconds to import: only those who serve the chat should wait for it.
    from gradio import mount_gradio_app

    from assistant.ui.chat import STATIC_DIR, build_chat, build_theme, head_html
    from assistant.ui.knowledge import build_knowledge, knowledge_head_html
    from assistant.ui.library import Library
    from assistant.ui.reading import reading_routes

    settings = settings or Settings()
    access = access or Access.of(settings)
    # Whoever waits for a language model takes no core.
    desk = Desk(settings.answers_at_once or (MODEL_ANSWERS if settings.llm_model else None))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(title="Dalil", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    asked = programs(dalil, desk, completions.routes(dalil, desk))
    # The last one added meets a request first.
    app.add_middleware(Divert, places={"api": asked, "v1": asked, "mcp": McpEndpoint(dalil, desk)})
    app.add_middleware(
        Guard, access=access, rate_limit=settings.rate_limit, max_upload_bytes=settings.max_upload_mb * 2**20
    )
    app.add_middleware(SecurityHeaders)
    app.add_api_route("/healthz", health)
    app.add_api_route("/ui/fonts/{weight}.ttf", font)
    app.add_api_route("/who", who)
    app.include_router(login_routes(access))
    if token is not None:
        app.include_router(internal_routes(dalil, token, desk))
    app.mount(remote.INTERNAL, Starlette())  # the guard lets everything below it in: nothing else may be there
    app.include_router(reading_routes(dalil))
    app.mount("/ui", RevalidatedFiles(directory=STATIC_DIR), name="ui")
    mounting: dict[str, Any] = {
        "theme": build_theme(),
        "footer_links": [],
        "run_history": False,  # it would keep questions in the browser's storage
        "show_error": False,
        "ssr_mode": False,
        "enable_monitoring": False,
    }
    # The chat takes every path that is left: it comes last.
    app.add_api_route(KNOWLEDGE_PATH, to_knowledge)
    mount_gradio_app(
        app, build_knowledge(Library(dalil), may_edit), path=KNOWLEDGE_PATH, head=knowledge_head_html(), **mounting
    )
    chat = build_chat(Attended(dalil, desk), feedback)
    served: FastAPI = mount_gradio_app(
        app, chat, path="/", head=head_html(), favicon_path=str(STATIC_DIR / "icon.svg"), **mounting
    )
    return served


def to_knowledge() -> RedirectResponse:
    """The knowledge page has its own files beside it, so its address ends with a slash."""
    return RedirectResponse(f".{KNOWLEDGE_PATH}/", 308)


def may_edit(request: Any) -> bool:
    """Whether whoever sent a request (of Gradio's or Starlette's) may change the knowledge folder."""
    user = user_of(request)
    return user is not None and user.may_edit


def health() -> dict[str, str]:
    """Tells a supervisor that the server answers."""
    return {"status": "ok"}


def who(request: Request) -> dict[str, str | None]:
    """Tells the chat whose conversations to show: the name of whoever logged in, None where nobody has to."""
    user = user_of(request)
    return {"name": None if user is None or user.local else user.name}


def font(weight: int) -> FileResponse:
    """One weight of the interface font, from its package; browsers keep it for a year."""
    if weight not in FONT_WEIGHTS:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(font_path(FONT_FAMILY, weight), media_type="font/ttf", headers=headers)


def _say(line: str) -> None:
    print(line, flush=True)  # at once, even into a pipe


def serve(
    dalil: Assistant,
    host: str,
    port: int,
    announce: Callable[[str], None] = _say,
    shared: Assistant | None = None,
    settings: Settings | None = None,
    feedback: FeedbackLog | None = None,
) -> None:
    """Serve the chat and the API until SIGINT or SIGTERM, then return.

    Args:
        dalil: Answers the questions.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        announce: Called once with a line that names the address, as soon as it answers.
        shared: The assistant that other processes with its data directory are served from.
        settings: Limits and users; read as ever if left out.
        feedback: Keeps what people think of answers.

    Raises:
        DalilError: the address or port cannot be used, or may not be without users.
    """
    settings = (settings or Settings()).model_copy(update={"host": host, "port": port})
    access = Access.of(settings)
    token = secrets.token_urlsafe(32)
    listener = _listen(host, port)

    def ready() -> None:
        if shared is not None and (owner := _owner(shared, listener, token)) is not None:
            remote.announce(shared.settings.index_dir, owner)
        announce(f"Dalil is at {_address(listener)}")

    with listener:
        server = _AnnouncingServer(
            uvicorn.Config(
                create_app(dalil, settings, access, token if shared is not None else None, feedback),
                log_level="error",
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            ),
            ready,
        )
        _stop_on_signals(server)
        logging.getLogger("uvicorn.error").addFilter(_is_not_about_open_tabs)
        try:
            server.run(sockets=[listener])
        finally:
            if shared is not None:
                remote.withdraw(shared.settings.index_dir)


class _AnnouncingServer(uvicorn.Server):
    """A uvicorn server that says when it answers."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_ready()


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything slow happens, so that a taken one is reported at once."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DalilError(f"port {port} is in use; choose another with --port") from None
        reason = error.strerror or str(error)
        raise DalilError(f"cannot listen on {host} port {port}: {reason}; see --host and --port") from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # compared, not bound: every interface: name one that a browser can open
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Let SIGINT and SIGTERM end the server and nothing more.

    While it runs, uvicorn handles both itself; afterwards it raises them again for the handlers that it
    found. Ours are there then, so that ``serve`` returns instead of dying of the signal.
    """

    def stop(*_: object) -> None:
        server.should_exit = True

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)


def _is_not_about_open_tabs(record: logging.LogRecord) -> bool:
    """False for uvicorn's complaints that it had to end open streams: every open tab has one, every sync."""
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        return False
    return "timeout graceful shutdown exceeded" not in record.getMessage()


# --- for other processes of this machine -------------------------------------------------------------


def internal_routes(dalil: Assistant, token: str, desk: Desk) -> APIRouter:
    """What ``remote.Remote`` asks: each reply is lines of JSON, the last one with the value or the error.

    An answer that is asked for as a stream has the events of ``/api/ask`` instead, once there is something to send.

    Args:
        dalil: Answers.
        token: What a request must carry; it must come from this machine as well.
        desk: Where answers are worked off.
    """

    def check(request: Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        local = request.client is not None and is_loopback(request.client.host)
        if not local or not secrets.compare_digest(given, f"Bearer {token}".encode()):
            raise HTTPException(403)
        count_as_local(request.scope)

    router = APIRouter(prefix=remote.INTERNAL, dependencies=[Depends(check)])

    @router.post("/ask")
    async def ask(
        request: Request,
        question: Annotated[str, Body()],
        history: Annotated[list[tuple[str, str]] | None, Body()] = None,
        language: Annotated[str | None, Body()] = None,
        stream: Annotated[bool, Body()] = False,
    ) -> Response:
        if not stream:
            return _reply(desk.submit, lambda _: dalil.ask(question, history, language))
        items = desk.stream(lambda: dalil.stream(question, history, language), PATIENCE_SECONDS)
        try:
            return await event_stream(request, items, events)
        except DalilError as error:
            return JSONResponse(_told(error))

    @router.post("/search")
    async def search(query: Annotated[str, Body()], limit: Annotated[int, Body()] = 10) -> StreamingResponse:
        return _reply(desk.submit, lambda _: dalil.search(query, limit))

    @router.post("/document")
    async def document(document_id: Annotated[str, Body(embed=True)]) -> StreamingResponse:
        return _reply(desk.submit, lambda _: dalil.document(document_id))

    @router.post("/list")
    async def list_documents() -> StreamingResponse:
        return _reply(desk.submit, lambda _: remote.listing(dalil))

    @router.post("/sync")
    async def sync() -> StreamingResponse:
        return _reply(_in_a_thread, dalil.sync)  # minutes, in which the desk must not be held up

    return router


def _in_a_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, daemon=True, name="dalil-internal").start()


def _reply(begin: Callable[[Callable[[], None]], Any], work: Callable[[Progress], Any]) -> StreamingResponse:
    """The result of ``work``, with its progress before it where it takes long enough to have any.

    Args:
        begin: has something run in some thread.
        work: what is asked for.
    """

    async def lines() -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        def send(reply: dict[str, Any]) -> None:
            with suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(replies.put_nowait, reply)

        def run() -> None:
            try:
                send({"value": to_json(work(lambda done, total: send({"step": [done, total]})))})
            except DalilError as error:
                send(_told(error))
            except Exception:
                logging.getLogger(__name__).exception("a request of another process failed")
                send({})

        try:
            begin(run)
        except DalilError as error:
            send(_told(error))
        while True:
            reply = await replies.get()
            yield json.dumps(reply, ensure_ascii=False) + "\n"
            if "step" not in reply:
                return

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _told(error: DalilError) -> dict[str, str]:
    """An error as the last line of a reply."""
    return {"error": type(error).__name__, "message": str(error)}


def _owner(dalil: Assistant, listener: socket.socket, token: str) -> remote.Owner | None:
    """How other processes reach this one; None where it listens on one outside address alone."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    elif not address.is_loopback:
        return None
    return remote.Owner(host, port, os.getpid(), token, str(dalil.settings.knowledge_dir.resolve()))
