"""Bytes to text in whatever encoding they are.

A byte order mark decides, then valid UTF-8, then UTF-16 without a mark. Anything else is decoded in every
likely way and the most plausible text wins: by how common its Arabic letters and words are, and by whether
letters of different scripts meet within a word, as they do when the wrong table is used.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import pairwise

from assistant.errors import DocumentError
from assistant.readers.layout import FormatError, clean

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = (
    *("cp1256", "iso8859-6", "mac_arabic", "cp720"),
    *("cp1252", "cp1254", "cp1250", "mac_roman", "cp1251", "cp1253", "cp1255"),
)
"""Tried in every case; of equally plausible ones the first."""
_SAMPLE_BYTES = 20_000
"""So much from the start of a file tells its encoding."""
_MAX_CONTROLS = 0.01
"""A larger share of control characters is a binary file."""
_FAVOUR = 0.1
_MAX_LOST = 0.1
"""With a larger share of characters lost, what is left is no use."""
_DOUBTFUL = 0.1
"""Below this score a byte beyond ASCII, the most plausible text is still not plausible."""

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF16_LIKELY = re.compile(
    "[\t\n\r\x20-\x7e\xa0-\u024f\u0370-\u03ff\u0400-\u04ff\u0590-\u077f\u2000-\u206f\u20a0-\u20bf\ufb50-\ufdff\ufe70-\ufeff]"
)

# Natural logarithm of how much commoner a letter is in Arabic prose than if thirty-six were equally common.
# Vowel marks and Persian letters are rare in prose as a whole but not in the texts that use them.
_ARABIC_COMMONNESS = {
    letter: weight
    for letters, weight in (
        ("ا", 1.6),
        ("ل", 1.4),
        ("ي", 1.0),
        ("مو", 0.75),
        ("نر", 0.55),
        ("تبة", 0.3),
        ("عدس", 0.1),
        ("فهأ", -0.2),
        ("كقح", -0.45),
        ("جش،", -0.9),
        ("طإصى", -1.2),
        ("خثضزغًَُِّْ", -1.5),
        ("ذئءظآؤـٌٍ؛؟پچژگکیھہۀ", -2.0),
        ("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", -0.3),
    )
    for letter in letters
}
_FINAL_LETTERS = frozenset("ةى")
_VOWEL_MARKS = frozenset("ًٌٍَُِّْ")
_RARE_LATIN = frozenset("ÐÞÝýðþ¿¡")
_ARABIC_WORDS = frozenset(
    """
    في من على إلى الى عن أن ان إن كان كانت هذا هذه التي الذي ما لا لم لن قد كل بعد قبل بين مع أو او ثم هو هي
    عند حتى ذلك تلك كما غير منذ خلال حول نحو أي عام يوم الله مرحبا شكرا نعم السلام عليكم بن عبد يا وقد وفي ومن
    حيث كانت دولة عدد أكثر أكبر أول محمد العربية القرن كم مدينة مثل سنة شركة وزارة مصر العالم لها حوالي عشر مليون
    وهو وهي لها له به بها فيه فيها منه منها عليه عليها ولا وما وأن ولم
    """.split()
)
_ARABIC_WORD = re.compile("[\u0621-\u0652\u0671-\u06d3]+")
_COMMON_WORD = 2.0
_ARTICLE = 1.0
_PRIOR = 0.4
_MISPLACED = -2.5
_SYMBOLS = frozenset("«»“”‘’…–—•°€£©®™×÷§\u00a0")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and how sure one can be of it."""

    text: str
    encoding: str
    lost: int = 0
    """Bytes that no character could be made of."""
    doubtful: bool = False
    """The encoding is a poor guess."""


def decode(document_id: str, data: bytes) -> str:
    """UTF-8 bytes as clean text: composed, with ``\\n`` line ends, without format and control characters.

    Raises:
        DocumentError: the bytes are not UTF-8.
    """
    try:
        return clean(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{document_id}: not UTF-8 text (byte 0x{data[error.start]:02x} at position {error.start}); "
            "save the file as UTF-8"
        ) from None


def decode_any(data: bytes, declared: str | None = None) -> Decoded:
    """Text of ``data``, as it is written, in the most plausible encoding.

    Args:
        data: content of a text file.
        declared: encoding that the file itself names; taken if it gives plausible text.

    Raises:
        FormatError: the bytes are not text in any encoding.
    """
    decoded = _by_mark(data) or _by_form(data) or _by_plausibility(data, declared)
    sample = decoded.text[:_SAMPLE_BYTES]
    if len(_CONTROLS.findall(sample)) > max(2, _MAX_CONTROLS * len(sample)):
        raise FormatError("holds binary data, not text; remove it or save it as text")
    if decoded.lost > _MAX_LOST * len(decoded.text):
        raise FormatError("is text of no known encoding; save the file as UTF-8")
    return decoded


def _by_mark(data: bytes) -> Decoded | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
            return Decoded(text, encoding, lost=text.count("\ufffd"))
    return None


def _by_form(data: bytes) -> Decoded | None:
    """Encodings that show in the form of the bytes: UTF-16 by its columns, UTF-8 by its sequences."""
    if len(data) % 2 == 0 and len(data) >= 4:
        sample = data[:_SAMPLE_BYTES]
        for encoding in ("utf-16-le", "utf-16-be"):
            if _looks_like_utf16(sample, encoding):
                text = data.decode(encoding, errors="replace")
                return Decoded(text, encoding, lost=text.count("\ufffd"))
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return None


def _looks_like_utf16(sample: bytes, encoding: str) -> bool:
    """Whether one of two bytes is always a small number, as the halves of Arabic and Latin letters are.

    Text in a one-byte encoding has no control characters, which those halves would be.
    """
    high = sample[1::2] if encoding == "utf-16-le" else sample[::2]
    if sum(byte in b"\x00\x01\x02\x03\x04\x05\x06\x07\x20\xfb\xfe" for byte in high) < 0.9 * len(high):
        return False
    if sum(byte < 8 for byte in high) < 0.5 * len(high):
        return False
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return len(_UTF16_LIKELY.findall(text)) >= 0.9 * len(text)


def _by_plausibility(data: bytes, declared: str | None) -> Decoded:
    from charset_normalizer import from_bytes

    sample = _sample(data)
    beyond = sum(byte > 0x7F for byte in sample)
    names = dict.fromkeys(name for name in (_codec(declared), *_CANDIDATES) if name)
    guesses = [match.encoding for match in from_bytes(sample, threshold=0.3)]
    guesses = [name for name in guesses if not name.startswith(("utf", "ascii"))]
    names |= dict.fromkeys(guesses[:4])
    scored = []
    for position, name in enumerate(names):
        try:
            text = sample.decode(name)
        except (UnicodeError, LookupError):
            continue
        # Of scripts that are only known as such, the library knows more.
        favour = _FAVOUR if name in guesses[:1] and name not in _CANDIDATES else 0.0
        scored.append((plausibility(text) / beyond + favour, -position, name))
    broken = sample.decode("utf-8", errors="replace")
    scored.append((plausibility(broken) / beyond, -len(names), "utf-8"))
    score, _, name = max(scored)
    by_name = {candidate: value for value, _, candidate in scored}
    wanted = _codec(declared)
    if wanted in by_name and by_name[wanted] >= min(score - 0.3, _DOUBTFUL):
        score, name = by_name[wanted], wanted
    text = data.decode(name, errors="replace")
    return Decoded(text, name, lost=text.count("\ufffd"), doubtful=score < _DOUBTFUL)


def _sample(data: bytes) -> bytes:
    """The start of ``data``, from its first byte beyond ASCII if that comes late, to the end of a line."""
    first = next((place for place in re.finditer(rb"[\x80-\xff]", data)), None)
    begin = max(0, first.start() - 200) if first else 0
    sample = data[begin : begin + _SAMPLE_BYTES]
    cut = sample.rfind(b"\n")
    return sample[:cut] if len(sample) == _SAMPLE_BYTES and cut > _SAMPLE_BYTES // 2 else sample


def _codec(label: str | None) -> str | None:
    """Python's name for an encoding label; Latin-1 is what the Web means by it."""
    try:
        name = codecs.lookup((label or "").strip()).name
    except (LookupError, ValueError):
        return None
    return {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}.get(name, name)


def plausibility(text: str) -> float:
    """How much ``text`` looks like writing: a sum over its characters beyond ASCII, above 0 for real text."""
    score = 0.0
    for before, char in pairwise(f" {text}"):
        if char < "\x80" and before < "\x80":
            continue
        script, earlier = _script(char), _script(before)
        if char >= "\x80":
            score += _commonness(char, script, before)
        if script and earlier and script != earlier:
            score -= 2.0
        if earlier == "arabic" == script:
            misplaced = before in _FINAL_LETTERS and char not in _VOWEL_MARKS
            score += _MISPLACED * misplaced
        elif char in _VOWEL_MARKS:
            score += _MISPLACED
    for word in _ARABIC_WORD.findall(text):
        if word in _ARABIC_WORDS:
            score += _COMMON_WORD
        elif word.startswith("ال") and len(word) > 4:
            score += _ARTICLE
    return score


def _commonness(char: str, script: str, before: str) -> float:
    if script == "arabic":
        return _PRIOR + _ARABIC_COMMONNESS.get(char, -2.5)
    if script == "latin":
        # Accented letters are rare: one alone among plain letters is likely, one after another is not.
        return -1.0 if before >= "\x80" and before.isalpha() else 0.5 * (char not in _RARE_LATIN)
    if script == "other":
        # Capitals within a word are what a Cyrillic table makes of Arabic.
        return -1.0 if char.isupper() and before.islower() else 0.2
    if char in _ARABIC_COMMONNESS:
        return _ARABIC_COMMONNESS[char]
    if char in _SYMBOLS:
        return 0.5
    return -3.0 if char < "\xa0" or char == "\ufffd" or "\u2500" <= char <= "\u259f" else -1.0


def _script(char: str) -> str:
    """``latin``, ``arabic`` or ``other`` for a letter or mark, else an empty string."""
    if "\u0600" <= char <= "\u06ff" and char not in "،؛؟٪٫٬٭۔":
        return "" if char.isdecimal() else "arabic"
    if not char.isalpha():
        return ""
    return "latin" if char <= "\u024f" else "other"
