"""YAML as Dalil reads it: front matter as strings, facts with dates as they are written, one line for an error."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import yaml

from assistant.errors import DocumentError
from assistant.readers.layout import one_line

_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"^---[ \t]*$", re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")


class _Loader(yaml.SafeLoader):
    """Safe YAML whose dates stay strings and whose impossible values are errors with a place."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the shape that yaml expects
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise yaml.MarkedYAMLError(problem=one_line(str(error)), problem_mark=node.start_mark) from None


class _StringLoader(_Loader):
    """Every plain value as it is written: ``no`` is Norwegian and ``1.10`` keeps its zero. Nothing is ``None``."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load_yaml(text: str, strings: bool = False) -> Any:
    """The value of a YAML text; with ``strings``, its plain values as they are written.

    Raises:
        yaml.YAMLError: it is not YAML, or nested too deeply.
    """
    try:
        return yaml.load(text, Loader=_StringLoader if strings else _Loader)  # noqa: S506 - both are safe loaders
    except RecursionError:
        raise yaml.MarkedYAMLError(problem="nested too deeply") from None


def yaml_place(error: yaml.YAMLError, offset: int = 0) -> str:
    """`` (line 3: what is wrong)`` for a YAML error, with ``offset`` lines above the parsed text."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    if mark is None:
        return f" ({problem})" if problem else ""
    return f" (line {mark.line + 1 + offset}{f': {problem}' if problem else ''})"


def is_date(text: str) -> bool:
    """Whether ``text`` is a year, year-month or full ISO date that the calendar has."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01"[:10])
    except ValueError:
        return False
    return True


def split_front_matter(document_id: str, text: str) -> tuple[dict[str, str], str]:
    """The YAML between the ``---`` lines at the start of ``text`` as strings, and the rest.

    Raises:
        DocumentError: it is not closed, not YAML, not a mapping of plain values, or has a bad language or date.
    """
    opening = _OPENING.match(text)
    if opening is None:
        return {}, text
    end = _CLOSING.search(text, opening.end())
    if end is None:
        raise DocumentError(f"{document_id}: front matter is not closed; add a line '---' after it")
    try:
        values = load_yaml(text[opening.end() : end.start()], strings=True) or {}
    except yaml.YAMLError as error:
        raise DocumentError(f"{document_id}: front matter is not valid YAML{yaml_place(error, 1)}") from None
    if not isinstance(values, dict) or any(isinstance(value, (dict, list, set)) for value in values.values()):
        raise DocumentError(f"{document_id}: front matter must be lines of 'key: value'")
    matter = {str(key): str(value) for key, value in values.items() if value is not None}
    language = matter.get("language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise DocumentError(f"{document_id}: language '{language}' is not a two-letter code such as ar or en")
    written = matter.get("date", "")
    if _DATE.fullmatch(written) and not is_date(written):
        raise DocumentError(f"{document_id}: the date '{written}' is not in the calendar; correct it")
    return matter, text[end.end() :].lstrip("\n")
