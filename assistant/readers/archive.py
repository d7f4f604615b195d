"""Zip-based formats: what an archive may be before anything in it is opened."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

from assistant.readers.layout import FormatError

MAX_TOTAL_BYTES = 300_000_000
"""All members together, unpacked."""
MAX_RATIO = 100
"""Unpacked to packed size of one member, where that matters."""
LARGE_MEMBER_BYTES = 10_000_000
"""Members below this may be packed as tightly as they like."""
MAX_MEMBERS = 5_000
_PROLOGUE_BYTES = 4_096


def open_archive(data: bytes, suffix: str, required: str) -> zipfile.ZipFile:
    """A zip archive that is safe to unpack.

    Args:
        data: content of the file.
        suffix: what the file calls itself.
        required: start of a member's name that tells the format.

    Raises:
        FormatError: it is damaged, encrypted, too large when unpacked, or another format.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        raise FormatError("is cut off or damaged; copy it again or save it anew") from None
    _check_members(archive.infolist())
    if not any(name.startswith(required) for name in archive.namelist()):
        raise FormatError(f"is a zip archive but not a {suffix} file; give it its own suffix or remove it")
    return archive


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise FormatError(f"holds more than {MAX_MEMBERS:,} parts; split it into smaller files")
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise FormatError(f"unpacks to more than {MAX_TOTAL_BYTES // 1_000_000} MB; split it into smaller files")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if ".." in path.parts or path.is_absolute():
            raise FormatError("holds a part with an unsafe name; do not trust it")
        if member.file_size > LARGE_MEMBER_BYTES and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise FormatError(f"holds a part that unpacks to more than {MAX_RATIO} times its size; do not trust it")
        if member.flag_bits & 1:
            raise FormatError("is protected by a password; save it without one")


def refuse_entities(archive: zipfile.ZipFile) -> None:
    """Refuse Office files whose XML declares a document type: no program writes one, only attacks need it.

    Raises:
        FormatError: a part declares one.
    """
    for member in archive.infolist():
        if member.filename.lower().endswith((".xml", ".rels")):
            with archive.open(member) as part:
                start = part.read(_PROLOGUE_BYTES)
            if b"<!DOCTYPE" in start.replace(b"\x00", b"") or b"<!ENTITY" in start.replace(b"\x00", b""):
                raise FormatError("declares XML entities, which no Office program writes; do not trust it")
