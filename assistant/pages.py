"""The pages that are not the chat, as HTML without scripts: the login, and what programs can ask.

Pure functions; every word that is not ours goes through ``html.escape``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode

from assistant.ui.texts import ARABIC, ENGLISH, LANGUAGES, Language, direction, interface_language

_NAMES = {"ar": ARABIC.name, "en": ENGLISH.name}

_TEXTS: Mapping[Language, Mapping[str, str]] = {
    "ar": {
        "other": "English",
        "login": "تسجيل الدخول",
        "name": "الاسم",
        "password": "كلمة المرور",
        "enter": "دخول",
        "wrong": "الاسم أو كلمة المرور غير صحيحة.",
        "wait": "محاولات كثيرة. حاول مرة أخرى بعد {seconds} ثانية.",
        "closed": "لم يُضف مستخدمون بعد: تُسأل هذه النسخة من البرامج وحدها.",
        "api": "واجهة البرامج",
        "api_about": (
            "تسأل البرامج دليلًا من هذه العناوين وتستلم JSON. والخطأ له شكل واحد: "
            '`{"error": {"code": …, "message": …}}`. وحيث يلزم تسجيل الدخول يُرسل الرمز في كل طلب: '
            "`Authorization: Bearer TOKEN`، ويُنشئه الأمر `dalil token`."
        ),
        "mcp": (
            "خادم MCP: العنوان `/mcp` بالنقل streamable HTTP، أو الأمر `dalil mcp` عبر stdio. "
            "أدواته: `ask` و`search` و`document`."
        ),
        "spec": "الوصف الكامل بصيغة OpenAPI",
        "example": "مثال",
        "request": "الطلب",
        "response": "الرد",
        "types": "الأنواع",
        "field": "الحقل",
        "type": "النوع",
        "meaning": "المعنى",
        "required": "لازم",
        "question": "ما هو الممر الأوسط؟",
    },
    "en": {
        "other": "العربية",
        "login": "Log in",
        "name": "Name",
        "password": "Password",
        "enter": "Log in",
        "wrong": "The name or the password is not right.",
        "wait": "Too many attempts. Try again in {seconds} seconds.",
        "closed": "No users are set: only programs may ask this one.",
        "api": "For programs",
        "api_about": (
            "Programs ask Dalil at these addresses and receive JSON. Errors have one shape: "
            '`{"error": {"code": …, "message": …}}`. Where a login is required every request carries a token, '
            "`Authorization: Bearer TOKEN`, which the command `dalil token` makes."
        ),
        "mcp": (
            "MCP server: the address `/mcp` (streamable HTTP), or the command `dalil mcp` over stdio. "
            "Its tools: `ask`, `search`, `document`."
        ),
        "spec": "The whole description as OpenAPI",
        "example": "Example",
        "request": "Request",
        "response": "Response",
        "types": "Types",
        "field": "Field",
        "type": "Type",
        "meaning": "Meaning",
        "required": "required",
        "question": "What is the Middle Corridor?",
    },
}

_ARABIC_OPERATIONS = {
    "POST /api/ask": (
        'يجيب عن سؤال من قاعدة المعرفة، أو يقول إنها لا تحتوي على الإجابة. ومع `"stream": true` تصل الإجابة أحداثًا '
        "متتابعة: `piece` لكل جزء جديد من النص (و`restart` يسحب ما قبله)، ثم `answer` للإجابة كاملة، و`error` إن تعذّر "
        "إتمامها."
    ),
    "POST /api/search": "يبحث عن المقاطع التي قد تجيب، وأرجحها أولًا.",
    "GET /api/documents": "يسرد المستندات المفهرسة بلا نصوصها.",
    "GET /api/documents/{document_id}": (
        "مستند واحد بنصه كما تقتبسه الإجابات: الاقتباس هو `text[start:end]`، والعدّ بالأحرف."
    ),
    "GET /api/health": "ما الذي يُسأل هنا، وهل هو جاهز.",
    "GET /v1/models": "يسرد النموذج الوحيد، لبرامج OpenAI.",
    "POST /v1/chat/completions": (
        "يجيب عن الرسالة الأخيرة، وما قبلها هو المحادثة، لبرامج OpenAI. في النص علامات مثل `[1]`، وفي `citations` من "
        "الرسالة (ومن آخر جزء عند البث) ما تدل عليه. وتُهمل رسائل النظام."
    ),
}
_ARABIC_FIELDS = {
    "question": "بالعربية أو بالإنجليزية.",
    "history": "ما سبق من المحادثة، الأقدم أولًا، كل دور زوج: [السؤال، نص الإجابة]، لأسئلة المتابعة.",
    "language": "لغة الإجابة أيًّا كانت لغة السؤال.",
    "stream": "إرسال الإجابة أحداثًا متتابعة وهي تتكوّن.",
    "query": "كلمات أو سؤال، بالعربية أو بالإنجليزية.",
    "limit": "أقصى عدد من المقاطع.",
    "model": "`dalil`.",
}


def page_language(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, else the first that the browser accepts and that is ours, else English."""
    if chosen in LANGUAGES:
        return interface_language(chosen)
    weighed = []
    for position, part in enumerate(accepted.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        code = tag.strip().lower().partition("-")[0]
        try:
            value = float(weight or 1)
        except ValueError:
            continue
        if code in LANGUAGES and value > 0:
            weighed.append((-value, position, code))
    return interface_language(min(weighed)[2]) if weighed else "en"


def login_page(language: Language, then: str = "", name: str = "", problem: str = "", closed: bool = False) -> str:
    """The login.

    Args:
        language: of the page.
        then: where to go afterwards, relative to the login.
        name: what was typed before.
        problem: what went wrong, from ``login_problem``.
        closed: there are no users.
    """
    texts = _TEXTS[language]
    alert = f'<p class="alert" role="alert" id="problem">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="problem" aria-invalid="true"' if problem else ""
    form = (
        f'<form method="post" action="login">{alert}'
        f'<input type="hidden" name="lang" value="{language}"><input type="hidden" name="next" value="{escape(then)}">'
        f'<label for="name">{texts["name"]}</label>'
        f'<input id="name" name="name" dir="auto" value="{escape(name)}" autocomplete="username" required'
        f' autocapitalize="none" spellcheck="false"{"" if problem else " autofocus"}>'
        f'<label for="password">{texts["password"]}</label>'
        f'<input id="password" name="password" type="password" dir="auto" autocomplete="current-password" required'
        f"{described}{' autofocus' if problem else ''}>"
        f'<button type="submit">{texts["enter"]}</button></form>'
    )
    body = f"<h1>{texts['login']}</h1>" + (f"<p>{texts['closed']}</p>" if closed else form)
    return _page(language, texts["login"], f'<main class="card narrow">{body}</main>', "login", {"next": then}, "")


def login_problem(language: Language, wait: float = 0.0) -> str:
    """Why a login failed: the name or password is wrong, or there were too many attempts."""
    texts = _TEXTS[language]
    return texts["wait"].format(seconds=int(wait) + 1) if wait else texts["wrong"]


def api_page(spec: Mapping[str, Any], language: Language, address: str) -> str:
    """What programs can ask, from the OpenAPI description.

    Args:
        spec: the description.
        language: of the page.
        address: where the server is, as the reader reached it.
    """
    texts = _TEXTS[language]
    operations = "".join(
        _operation(method.upper(), path, operation, spec, language, address)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    )
    schemas = spec["components"]["schemas"]
    types = "".join(
        f'<section class="card" id="type-{escape(name)}"><h3 dir="ltr">{escape(name)}</h3>'
        f"{_fields(schema, spec, language)}</section>"
        for name, schema in sorted(schemas.items())
        if schema.get("properties")
    )
    body = (
        f"<main><h1>{texts['api']}</h1><p>{_mixed(texts['api_about'])}</p><p>{_mixed(texts['mcp'])}</p>"
        f'<p><a href="openapi.json">{texts["spec"]}</a></p>{operations}<h2>{texts["types"]}</h2>{types}</main>'
    )
    return _page(language, texts["api"], body, "docs", {}, "../")


def _operation(
    method: str, path: str, operation: Mapping[str, Any], spec: Mapping[str, Any], language: Language, address: str
) -> str:
    texts = _TEXTS[language]
    about = operation.get("description", "")
    if language == "ar":
        about = _ARABIC_OPERATIONS.get(f"{method} {path}", about)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answer = operation["responses"]["200"]["content"].get("application/json", {}).get("schema", {})
    request = f"<h3>{texts['request']}</h3>{_fields(_resolved(body, spec), spec, language)}" if body else ""
    response = f"<h3>{texts['response']}</h3><p>{_type(answer)}</p>" if answer else ""
    command = _curl(method, path, texts["question"], address)
    return (
        f'<section class="card operation"><h2 dir="ltr"><span class="method">{method}</span> '
        f"<code>{escape(path)}</code></h2><p>{_mixed(about)}</p>{request}{response}"
        f'<h3>{texts["example"]}</h3><pre dir="ltr" tabindex="0">{escape(command)}</pre></section>'
    )


def _curl(method: str, path: str, question: str, address: str) -> str:
    """A command that asks, as it can be pasted into a shell."""
    bodies = {
        "/api/ask": {"question": question},
        "/api/search": {"query": question, "limit": 3},
        "/v1/chat/completions": {"model": "dalil", "messages": [{"role": "user", "content": question}]},
    }
    url = f"{address}{path.replace('{document_id}', 'documents/example.md')}"
    if method == "GET":
        return f"curl {url}"
    return f"curl {url} -H 'Content-Type: application/json' \\\n  -d '{json.dumps(bodies[path], ensure_ascii=False)}'"


def _fields(schema: Mapping[str, Any], spec: Mapping[str, Any], language: Language) -> str:
    texts = _TEXTS[language]
    required = schema.get("required", [])
    mark = f" <small>{texts['required']}</small>"
    explained = any("description" in field for field in schema.get("properties", {}).values())
    rows = "".join(
        f'<tr><td dir="ltr"><code>{escape(name)}</code>'
        f"{mark if name in required else ''}</td>"
        f'<td dir="ltr">{_type(field)}</td>'
        f"{f'<td>{_mixed(_meaning(name, field, language))}</td>' if explained else ''}</tr>"
        for name, field in schema.get("properties", {}).items()
    )
    head = "".join(f'<th scope="col">{texts[key]}</th>' for key in ("field", "type", "meaning")[: 2 + explained])
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _meaning(name: str, field: Mapping[str, Any], language: Language) -> str:
    about = str(field.get("description", ""))
    return _ARABIC_FIELDS.get(name, about) if language == "ar" and about else about


def _resolved(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = spec["components"]["schemas"][name] if name else schema
    return found


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a word or two; our own types lead to their fields."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#type-{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{{string: {_type(schema['additionalProperties'])}}}"
    return f"<code>{escape(str(schema.get('type', 'object')))}</code>"


def _mixed(text: str) -> str:
    """Prose in which code in backticks stands by itself, whatever the direction around it."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f'<code dir="ltr">{part}</code>' if place % 2 else part for place, part in enumerate(parts))


def _page(language: Language, title: str, body: str, here: str, query: Mapping[str, str], up: str) -> str:
    other: Language = "en" if language == "ar" else "ar"
    switch = f"{here}?{urlencode({'lang': other, **{key: value for key, value in query.items() if value}})}"
    return (
        f'<!doctype html><html lang="{language}" dir="{direction(language)}"><head><meta charset="utf-8">'
        f"<title>{escape(title)} · {_NAMES[language]}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="stylesheet" href="{up}ui/page.css"><link rel="icon" href="{up}ui/icon.svg"></head><body>'
        f'<header><a class="brand" href="{up or "./"}">{_NAMES[language]}</a>'
        f'<a class="switch" href="{escape(switch)}" lang="{other}" hreflang="{other}">{_TEXTS[language]["other"]}</a>'
        f"</header>{body}</body></html>"
    )
