"""Values of spreadsheet cells as the spreadsheet displays them. Pure functions."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

_BRACKETED = re.compile(r"\[(?:\$([^\]-]*)[^\]]*|[^\]]*)\]")
_NUMBER_CORE = re.compile(r"[#0?](?:[#0?,.]*[#0?])?")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|_(.)|\*(.)')
_DATE_TOKEN = re.compile(r'am/pm|a/p|y+|m+|d+|h+|s+(?:\.0+)?|"[^"]*"|\\.|.', re.IGNORECASE)
_LOCAL_DATE = {"mm-dd-yy", "m/d/yy", "general"}
"""Formats that each country displays differently: written as ISO dates, which all understand."""


def displayed(value: Any, number_format: str | None) -> str:
    """A cell's value as text, by its number format where that is of a common kind.

    >>> displayed(0.725, "0.0%"), displayed(1250, "#,##0 \\"ريال\\"")
    ('72.5%', '1,250 ريال')
    """
    form = number_format or "General"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (datetime, date, time)):
        return _date(value, form)
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
    if isinstance(value, (int, float)):
        return _number(value, form)
    return str(value)


def _number(value: float, form: str) -> str:
    section = _section(value, form)
    # Literal text may hold signs of the format language: it is set aside while the rest is read.
    literals: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        literals.append(match.group(1) or match.group(2) or "")
        return chr(0xE000 + len(literals) - 1)

    pattern = _BRACKETED.sub(lambda match: match.group(1) or "", _LITERAL.sub(set_aside, section))
    core = _NUMBER_CORE.search(pattern)
    if core is None or "E+" in pattern or "/" in pattern or len(literals) > 100:
        return _general(value)
    scaled = Decimal(repr(value))
    after = pattern[core.end() :]
    scale = len(after) - len(after.lstrip(","))
    scaled = scaled.scaleb(-3 * scale + 2 * pattern.count("%"))
    whole, _, fraction = core.group().partition(".")
    digits = fraction.count("0")
    most = len(fraction)
    rounded = abs(scaled).quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP)
    text = f"{rounded:,f}" if "," in whole else f"{rounded:f}"
    if most > digits:
        head, _, tail = text.partition(".")
        kept = tail[:digits] + tail[digits:].rstrip("0")
        text = f"{head}.{kept}" if kept else head
    least = whole.count("0")
    if "," not in whole:
        head, dot, tail = text.partition(".")
        text = head.rjust(least, "0") + dot + tail
    sign = "-" if value < 0 and rounded and not _has_negative_section(form) else ""
    text = sign + pattern[: core.start()] + text + after.lstrip(",")
    for position, literal in enumerate(literals):
        text = text.replace(chr(0xE000 + position), literal)
    return text.strip()


def _section(value: float, form: str) -> str:
    """The part of a format for positive, negative or zero values."""
    sections = re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', form)
    if value < 0 and _has_negative_section(form):
        return sections[1]
    if value == 0 and len(sections) > 2 and sections[2]:
        return sections[2]
    return sections[0]


def _has_negative_section(form: str) -> bool:
    sections = re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', form)
    return len(sections) > 1 and bool(sections[1])


def _general(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.10g}"


def _date(value: datetime | date | time, form: str) -> str:
    plain = _BRACKETED.sub("", form.split(";")[0])
    if plain.lower() in _LOCAL_DATE:
        return _iso(value)
    tokens = _DATE_TOKEN.findall(plain)
    twelve = any(token.lower() in {"am/pm", "a/p"} for token in tokens)
    parts = []
    for position, token in enumerate(tokens):
        lower = token.lower()
        if lower[0] in "ymd" and not isinstance(value, time):
            minutes = lower in {"m", "mm"} and _is_minutes(tokens, position)
            parts.append(_clock(value, lower, twelve) if minutes else _calendar(value, lower))
        elif lower[0] in "hsm" or lower in {"am/pm", "a/p"}:
            parts.append(_clock(value, lower, twelve))
        else:
            parts.append(token.strip('"').removeprefix("\\"))
    text = "".join(parts).strip(" ,")
    return text if any(char.isdigit() for char in text) else _iso(value)


def _iso(value: datetime | date | time) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    return value.isoformat()


def _is_minutes(tokens: list[str], position: int) -> bool:
    """``m`` means minutes after hours and before seconds."""
    letters = [token[0].lower() for token in tokens if token[0].lower() in "ymdhs"]
    index = sum(token[0].lower() in "ymdhs" for token in tokens[:position])
    return (index > 0 and letters[index - 1] == "h") or (index + 1 < len(letters) and letters[index + 1] == "s")


def _calendar(value: date, token: str) -> str:
    letter, length = token[0], len(token)
    if letter == "y":
        return f"{value.year:04d}" if length > 2 else f"{value.year % 100:02d}"
    number, names = (value.month, _MONTHS) if letter == "m" else (value.day, _DAYS)
    if length <= 2:
        return f"{number:0{length}d}"
    name = names[value.month - 1 if letter == "m" else value.weekday()]
    return name[:3] if length == 3 else name


def _clock(value: datetime | date | time, token: str, twelve: bool) -> str:
    moment = value if isinstance(value, (datetime, time)) else time()
    if token in {"am/pm", "a/p"}:
        return "AM" if moment.hour < 12 else "PM"
    number = {"h": moment.hour, "m": moment.minute, "s": moment.second}[token[0]]
    if token[0] == "h" and twelve:
        number = number % 12 or 12
    return f"{number:0{min(2, len(token))}d}"
