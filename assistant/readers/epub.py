"""EPUB books: the pages of the spine in order."""

from __future__ import annotations

import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from assistant.readers.archive import open_archive
from assistant.readers.html import add_html, decode_html
from assistant.readers.layout import FormatError, Layout
from assistant.schema import Source

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read_epub(layout: Layout, data: bytes) -> Source:
    """Headings, paragraphs, items and table rows of every page, in the order of reading."""
    with open_archive(data, ".epub", _CONTAINER) as archive:
        locked = _locked(archive)
        place = _parse(archive, _CONTAINER).find(".//{*}rootfile").get("full-path")
        package = _parse(archive, place)
        for name in _spine(package, posixpath.dirname(place)):
            if name in locked:
                raise FormatError("is protected against copying; use a copy without protection")
            try:
                page = archive.read(name)
            except KeyError:
                layout.warn(f"the part {name} is missing")
                continue
            add_html(layout, decode_html(layout, page))
        return layout.source(title=_first(package, "title"), language=_first(package, "language"))


def _spine(package: Any, folder: str) -> list[str]:
    """Names of the pages, without the table of contents."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    names = []
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _PAGES:
            continue
        if "nav" not in (item.get("properties") or "").split():
            names.append(posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or ""))))
    return list(dict.fromkeys(names))


def _locked(archive: zipfile.ZipFile) -> set[str]:
    """Members that only a licensed reader can open; fonts are often among them."""
    if _ENCRYPTION not in archive.namelist():
        return set()
    references = _parse(archive, _ENCRYPTION).iterfind(".//{*}CipherReference")
    return {unquote(reference.get("URI") or "") for reference in references}


def _first(package: Any, name: str) -> str | None:
    found = package.find(f".//{{*}}metadata/{{http://purl.org/dc/elements/1.1/}}{name}")
    return None if found is None else "".join(found.itertext())


def _parse(archive: zipfile.ZipFile, name: str) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(archive.read(name), parser)
