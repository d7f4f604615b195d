"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from assistant.readers.layout import FormatError

_ZIP_SUFFIXES = {".docx", ".pptx", ".xlsx", ".epub"}
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office file of before 2007"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"{\\rtf", "an RTF file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
)
_OLD_OFFICE = "an Office file of before 2007"
# Office keeps the content of a file with a password in a stream of this name.
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


def check_signature(suffix: str, data: bytes) -> None:
    """Refuse a file that is plainly not what its suffix says.

    Raises:
        FormatError: the message says what it is.
    """
    kind = _kind(data)
    if suffix == ".pdf":
        if b"%PDF-" not in data[:1024]:
            raise FormatError(f"is {kind or 'not a PDF file'}; give it its own suffix or remove it")
    elif suffix in _ZIP_SUFFIXES:
        if kind == _OLD_OFFICE and _ENCRYPTED_STREAM in data:
            raise FormatError("is protected by a password; save it without one")
        if kind != "a zip archive":
            what = kind or f"not a {suffix} file, or damaged"
            raise FormatError(f"is {what}; save it again as {suffix} or give it its own suffix")
    elif kind:
        raise FormatError(f"is {kind}, not text; give it its own suffix or remove it")


def _kind(data: bytes) -> str | None:
    if data.startswith(b"%PDF-"):
        return "a PDF file"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)
