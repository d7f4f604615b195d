"""Logging in and out: pages that work without scripts."""

from __future__ import annotations

import asyncio
import unicodedata
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from assistant.pages import login_page, login_problem, page_language
from assistant.security import LOGIN_SECONDS, LOGINS, SESSION_SECONDS, Access, Rate, address_of
from assistant.ui.texts import Language


def login_routes(access: Access) -> APIRouter:
    """``/login`` and ``/logout`` for those who may come in."""
    router = APIRouter(include_in_schema=False)
    attempts = Rate(LOGINS, LOGIN_SECONDS)

    @router.get("/login")
    async def show(request: Request) -> Response:
        if not access.required:
            return RedirectResponse("./", 303)
        then = request.query_params.get("next", "")
        return _shown(login_page(_language(request), then, closed=not access.users))

    @router.post("/login")
    async def enter(request: Request) -> Response:
        if not access.required:
            return RedirectResponse("./", 303)
        form = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        name, password, then, lang = (form.get(key, [""])[0] for key in ("name", "password", "next", "lang"))
        language = _language(request, lang)
        address = address_of(request.scope)
        if wait := attempts.take(address):
            return _shown(login_page(language, then, name, login_problem(language, wait)), 429, int(wait) + 1)
        name = unicodedata.normalize("NFC", name.strip())
        session = await asyncio.to_thread(access.login, name, password)
        if session is None:
            return _shown(login_page(language, then, name, login_problem(language)), 401)
        attempts.give_back(address)
        # "./" keeps it a path of this server, whatever is in it.
        response = RedirectResponse(f"./{quote(then.lstrip('/'))}", 303)
        response.set_cookie(
            access.cookie,
            session,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    @router.post("/logout")
    async def leave() -> Response:
        response = RedirectResponse("login", 303)
        response.delete_cookie(access.cookie, httponly=True, samesite="lax")
        return response

    return router


def _language(request: Request, chosen: str = "") -> Language:
    wanted = chosen or request.query_params.get("lang")
    return page_language(wanted, request.headers.get("accept-language", ""))


def _shown(page: str, status: int = 200, wait: int = 0) -> HTMLResponse:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    if wait:
        headers["Retry-After"] = str(wait)
    return HTMLResponse(page, status, headers)
