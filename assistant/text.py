"""What Dalil knows about Arabic and English text: pure functions from strings to strings, words and offsets.

The same ``analyse`` serves indexing and asking, so that a word written with or without diacritics, with
any alef or hamza, in either numeral system, becomes the same term on both sides. ``TEXT_VERSION`` changes
whenever its output does: an index built with another version is refused and rebuilt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import Stemmer

TEXT_VERSION = 2

ARABIC_LETTER = (
    "\u0620-\u063f\u0641-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c7\ufb50-\ufdfb\ufe70-\ufefc"
)
LATIN_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"

_ARABIC = re.compile(f"[{ARABIC_LETTER}]")
_LATIN = re.compile(f"[{LATIN_LETTER}]")
_LETTER = re.compile(r"[^\W\d_]")
_ACCENTED = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")

# Harakat and tanwin, superscript alef, Quranic marks, tatweel; then characters that only format text.
_DIACRITICS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]")
_FORMAT = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_COMBINING = re.compile("[\u0300-\u036f]")

_SUPERSCRIPTS = "\u00b9\u00b2\u00b3\u2070\u2074-\u207b"
_SUBSCRIPTS = "\u2080-\u2089"
_CIRCLED = "\u2460-\u2473\u24ea\u2776-\u2793"
_POWER_OF_TEN = re.compile(rf"(?<![\d.,])(10|١٠)(?=[{_SUPERSCRIPTS}])")
_FRACTION = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
# Written small after a unit or a symbol of one or two letters it is a power («m²»), and before a word
# part of it («²³⁵U»); after anything else it refers to a note and belongs to no word.
_NOTE_MARK = re.compile(
    rf"((?<![{LATIN_LETTER}{ARABIC_LETTER}])[{LATIN_LETTER}{ARABIC_LETTER}]{{1,2}}[{_SUPERSCRIPTS}]+|\^[{_SUPERSCRIPTS}]+)"
    rf"|(?<=[^\s{_SUPERSCRIPTS}])[{_SUPERSCRIPTS}{_CIRCLED}]+|(?<=\d)[{_SUBSCRIPTS}]+|[™℠]"
)

_APOSTROPHES = str.maketrans("‘’\u02bc", "'''")
_LETTER_FOLDS = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ک": "ك",
        "گ": "ك",
        "ڤ": "ف",
        "پ": "ب",
        "چ": "ج",
    }
)
# «مسئول» is «مسؤول»; «شاطىء» is «شاطئ» and «قرءان» «قرآن», but the last letter of «ماء» tells it from «ما».
_HAMZA_BEFORE_WAW = re.compile("[ئء]و")
_HAMZA_DROPPED = re.compile(rf"(?:(?<=[يىیئ])|(?<![{ARABIC_LETTER}]))ء+|ء+(?=[{ARABIC_LETTER}])")
_DIGIT_FOLDS = str.maketrans(
    {**{chr(0x660 + d): str(d) for d in range(10)}, **{chr(0x6F0 + d): str(d) for d in range(10)}, "٫": ".", "٬": ","}
)

_WORD = re.compile(
    r"[0-9]+(?:[.,][0-9]+)*"  # a number, with its separators
    rf"|[{LATIN_LETTER}][{LATIN_LETTER}0-9]*(?:'(?:s|t|d|m|re|ve|ll)\b)?"  # a Latin word, G7 and year's included
    rf"|[{ARABIC_LETTER}]+"
    r"|[\u3040-\u30ff\u3400-\u9fff]"  # scripts without spaces: a term a character
    r"|[^\W\d_]+"
)
# Digits in groups of three. A single dot may be a decimal point; where there are more, a comma is.
_GROUPED = re.compile(
    r"(?<![0-9.,،])[0-9]{1,3}(?:(?:,[0-9]{3})+|(?:،[0-9]{3})+|(?P<dots>(?:\.[0-9]{3}){2,})(?P<decimals>,[0-9]+)?(?!\.[0-9]))(?![0-9])"
)

# Larkey, Ballesteros and Connell (2007), "Light stemming for Arabic information retrieval", light10, with three
# changes: its suffix ان stays, which belongs to more names («اليابان», «لبنان») than it marks duals; a hamza that
# ends a word comes off («إجراء» beside «إجراءات»); and suffixes come off until none is left, so that a word and
# what is derived from it («فلسطين» and «فلسطينية», «اتفاقية» and «اتفاقيات») end alike.
_ARABIC_PREFIXES = ("وال", "بال", "كال", "فال", "لل", "ال")
_ARABIC_SUFFIXES = ("ها", "ات", "ون", "ين", "يه", "ه", "ي", "ء")
# Numbers, counts and months whose own letters look like affixes: cut, «ألفين» would be «فين», «يومين» a day and
# «كانون» «كان».
_UNCUT = frozenset(
    """
    الف الفا الفي الفان الفين الاف ميه مايه ميتا ميتي ميتان ميتين مايتا مايتي مايتان مايتين مليون
    ملايين واحده كانون تشرين يومين عامين شهرين سنتين مرتين قرنين عقدين
    """.split()
)
# Not ك: «كمية» is no hundred.
_UNCUT_PREFIXES = ("وال", "بال", "كال", "فال", "لل", "ال", "و", "ف", "ب", "ل", "")

_english = Stemmer.Stemmer("english")


def strip_format(text: str) -> str:
    """Without zero-width and direction marks, which no reader sees and no term needs."""
    return _FORMAT.sub("", text)


def strip_diacritics(text: str) -> str:
    """Without Arabic diacritics and tatweel: «كِتَــابٌ» becomes «كتاب»."""
    return _DIACRITICS.sub("", text)


def fold_digits(text: str) -> str:
    """Arabic-Indic and Persian digits and separators as ASCII: «٢٠٢٥» becomes «2025»."""
    return text.translate(_DIGIT_FOLDS)


def fold_letters(text: str) -> str:
    """One form for each alef, hamza carrier, ya and ta marbuta: «إلى» and «الي» become the same."""
    return _HAMZA_DROPPED.sub("", _HAMZA_BEFORE_WAW.sub("وو", text)).translate(_LETTER_FOLDS)


def fold_accents(text: str) -> str:
    """Latin letters without accents: «Türkiye» becomes «Turkiye». Arabic is left as it is."""
    if text.isascii():
        return text
    return _COMBINING.sub("", _ACCENTED.sub(lambda match: unicodedata.normalize("NFD", match.group())[0], text))


def fold_apostrophes(text: str) -> str:
    """Curly apostrophes as the straight one: «Japan’s» becomes «Japan's»."""
    return text.translate(_APOSTROPHES)


def flatten(text: str) -> str:
    """Small raised and lowered digits as they would be typed on the line, marks of notes left out.

    «2004¹» becomes «2004», «m²» «m2», «10⁶» «10^6» and «2½» «2 1⁄2»: composed only, they would read 20041,
    m2, 106 and 21⁄2.
    """
    if text.isascii():
        return text
    spaced = _FRACTION.sub(" ", _POWER_OF_TEN.sub(r"\1^", text))
    return unicodedata.normalize("NFKC", _NOTE_MARK.sub(r"\1", spaced))


def normalise(text: str) -> str:
    """Text as an encoder should read it: composed, without diacritics, tatweel and format marks.

    Letters keep their own forms, since multilingual encoders were trained on ordinary spelling.
    """
    return fold_digits(strip_diacritics(flatten(strip_format(text))))


def fold(text: str) -> str:
    """Text with every spelling difference removed that does not change which word it is."""
    return fold_letters(fold_accents(fold_apostrophes(normalise(text)))).casefold()


def words(text: str) -> list[str]:
    """Folded words and numbers of ``text`` in order. Digit groups are joined: «1,000» is «1000»."""
    return _WORD.findall(ungroup_digits(fold(text)))


def ungroup_digits(text: str) -> str:
    """Digits in groups of three joined: «1,000» and «1.000.000» are «1000» and «1000000»."""
    return _GROUPED.sub(_ungroup, text)


def _ungroup(match: re.Match[str]) -> str:
    decimals = match["decimals"] or ""
    digits = match.group().removesuffix(decimals)
    return re.sub("[.,،]" if match["dots"] else "[,،]", "", digits) + decimals.replace(",", ".")


def numbers(text: str) -> frozenset[str]:
    """Numbers written in digits, in either numeral system, as canonical strings."""
    return frozenset(
        word.rstrip("0").rstrip(".") if word.count(".") == 1 else word for word in words(text) if word[0].isdigit()
    )


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Light stem of a folded word: Arabic affixes off, English by Snowball, anything else as it is."""
    if _ARABIC.match(word):
        return _stem_arabic(word)
    if _LATIN.match(word):
        return str(_english.stemWord(word))
    return word


def _stem_arabic(word: str) -> str:
    for prefix in _UNCUT_PREFIXES:
        if word.startswith(prefix) and word[len(prefix) :] in _UNCUT:
            return word[len(prefix) :]
    if word.startswith("و") and len(word) > 4:
        word = word[1:]
    for prefix in _ARABIC_PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= 2:
            word = word[len(prefix) :]
            break
    while word not in _UNCUT:
        suffix = next((end for end in _ARABIC_SUFFIXES if word.endswith(end) and len(word) - len(end) >= 3), None)
        if suffix is None:
            break
        word = word[: -len(suffix)]
    return word


def analyse(text: str) -> list[str]:
    """Terms of ``text`` for the lexical index and for comparing words: folded, then lightly stemmed."""
    return [stem(word) for word in words(text)]


def detect_language(text: str) -> str:
    """``ar`` or ``en`` by the script of most letters, else ``other``.

    Arabic counts one and a half times: an Arabic sentence that quotes Latin names is Arabic, and its
    words are shorter. A language written in Latin letters counts as ``en``: Dalil answers it in English.
    """
    arabic = len(_ARABIC.findall(text))
    latin = len(_LATIN.findall(text))
    other = len(_LETTER.findall(text)) - arabic - latin
    if max(arabic, latin) < other or arabic + latin == 0:
        return "other"
    return "ar" if arabic * 1.5 >= latin else "en"


# --- sentences ---------------------------------------------------------------------------------------

_CLOSERS = "\"'”’»)]"
_TERMINATOR = re.compile(rf"(?P<mark>[.!?؟۔…。！？]+)[{re.escape(_CLOSERS)}]*")
# Words that end in a full stop inside a sentence. Initials and dotted letters need no listing.
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof sr jr st mt ft gen col lt sgt capt cmdr adm rev hon sen rep gov pres vs etc inc
    ltd co corp al eds approx ca cf dept est jan feb apr jun jul aug sep sept oct nov dec eg ie ph
    ph.d b.sc m.sc d.phil m.phil b.ed m.ed
    """.split()
)
# These are abbreviations before a number only: "No. 5", but "He said no. Then he left."
_NUMBERED = frozenset("no nos p pp vol fig ch sec art ed mar".split())
_LAST_WORD = re.compile(r"[^\W_](?:[^\W_]|\.(?=[^\W_]))*$")
# «J», «U.S», «ق.م»: letters by themselves, also those after a number («300ق.م») or an Arabic prefix («الـU.S»).
_INITIALS = re.compile(
    r"(?<![^\W_])(?<![^\W_]\.)[^\W\d_]$"
    rf"|(?:(?<![^\W\d_])(?<![^\W_]\.)|(?<=[{ARABIC_LETTER}])(?=[{LATIN_LETTER}]))[^\W\d_](?:\.[^\W\d_])+$"
)
_ADDRESS = re.compile(r"(?:://|\bwww\.)\S*$")
_LIST_NUMBER = re.compile(r"\s*\d{1,2}(?:\.\d{1,2})*")
# A new Arabic sentence right after the stop: a word of two letters at least, since «3.أ» is a number.
_ARABIC_WORD = re.compile(rf"[«“]?[{ARABIC_LETTER}]{{2}}")
_LOOK_BEHIND, _LOOK_AHEAD = 200, 16


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Offsets of the sentences of ``text[start:end]``, without the white space around them.

    A boundary is a terminator of either script with its closing quotes, followed by white space, or
    directly by an Arabic word (a space is often forgotten there). Abbreviations, initials, decimal
    points, addresses and a following lower-case letter are not boundaries.
    """
    stop = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    begin = start
    for match in _TERMINATOR.finditer(text, start, stop):
        if _ends_sentence(text, begin, match, stop):
            _append_trimmed(spans, text, begin, match.end())
            begin = match.end()
    _append_trimmed(spans, text, begin, stop)
    return spans


def _ends_sentence(text: str, begin: int, match: re.Match[str], stop: int) -> bool:
    after = match.end()
    if after >= stop:
        return True
    mark = match["mark"]
    before = strip_diacritics(text[max(begin, match.start() - _LOOK_BEHIND) : match.start()])
    if not text[after].isspace():
        if mark[0] in "。！？":
            return True
        if not _forgot_space(before, strip_diacritics(text[after : min(stop, after + _LOOK_AHEAD)])):
            return False
    following = text[after:stop].lstrip()[:1]
    if match.group() != ".":
        return not (match.group() in {"…", "..."} and following.islower())
    if _LIST_NUMBER.fullmatch(before):
        return False
    last = _LAST_WORD.search(before)
    if _INITIALS.search(before) or (last and last.group().casefold() in _ABBREVIATIONS):
        return False
    if last and last.group().casefold() in _NUMBERED and following.isdigit():
        return False
    return not following.islower()


def _forgot_space(before: str, after: str) -> bool:
    """Whether a stop between these two ends a sentence: a word or number before it, an Arabic word after it."""
    said = before.rstrip(_CLOSERS)[-1:]
    return (said.isalnum() or said in set("%٪")) and bool(_ARABIC_WORD.match(after)) and not _ADDRESS.search(before)


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))


_LEANS_BACK = re.compile(
    r"(?:and |but |so |yet |however, |also, |then )?(?:it|its|they|their|he|his|she|her|this|these|those|such|both)\b"
    r"|the (?:former|latter|same)\b"
    r"|(?:[وف]|لكن|ولكن|كما )?"
    r"(?:هو|هي|هم|هما|هذا|هذه|هؤلاء|ذلك|تلك|انه|انها|انهم|لكنه|لكنها|لكنهم|منها|منهم|فيه|فيها)(?!\w)"
)


def leans_back(sentence: str) -> bool:
    """Whether a sentence opens with a word that stands for something said before: "It opened", «وهو أكبر»."""
    return _LEANS_BACK.match(fold(sentence)) is not None


# --- questions ---------------------------------------------------------------------------------------

_ENGLISH_FUNCTION_WORDS = frozenset(
    """
    a an the is are was were be been do does did has have had can could will would should may might must
    of to in on at by for from with about between and or not what which who whom whose when where why
    how many much tell me
    """.split()
)


_ARABIC_FUNCTION_WORDS = frozenset(
    fold(word)
    for word in """
    ما ماذا من متى أين كيف لماذا لمن هل كم أي أية هو هي هم في على إلى عن مع بين أو ثم إن أن كان كانت
    هذا هذه ذلك تلك التي الذي الذين وما ومن ومتى وأين وكيف ولماذا وهل وكم بماذا فيم بم لم عما مما
    ماهو ماهي ماهم ماهما ماهذا ماهذه مالذي ماالذي مالتي وماهو وماهي وماذا
    ايش شو شنو ليه ليش وين امتى ازاي إيه اشرح
    """.split()
)


_FUNCTION_WORDS = _ENGLISH_FUNCTION_WORDS | _ARABIC_FUNCTION_WORDS


def content_words(text: str) -> list[tuple[int, int]]:
    """Offsets of the words of a ``normalise``d text that say something by themselves."""
    return [(start, end) for start, end in all_words(text) if fold(text[start:end]) not in _FUNCTION_WORDS]


def all_words(text: str) -> list[tuple[int, int]]:
    """Offsets of the words of a ``normalise``d text."""
    return [match.span() for match in _WORD.finditer(text)]


def detect_question_language(question: str) -> str:
    """Language to answer in. A question's own small words decide, not the names it holds.

    «ما هو Middle Corridor؟» is Arabic although most of its letters are Latin; "What is الممر الأوسط?" is
    English.
    """
    language = detect_language(question)
    if language == "other":
        return language
    terms = words(question)
    arabic = sum(term in _ARABIC_FUNCTION_WORDS for term in terms)
    english = sum(term in _ENGLISH_FUNCTION_WORDS for term in terms)
    if arabic != english:
        return "ar" if arabic > english else "en"
    return language


# --- what a question asks for ------------------------------------------------------------------------

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|far|tall|high|deep|big|large|old|fast|often)\b"
    r"|\bwhat (?:number|percentage|percent|proportion|fraction|price|cost|amount|share)\b|\bnumber of\b"
    r"|(?<!\w)(?<![0-9] )(?:و|ف)?ب?كم(?!\w)"  # not «لكم», for you, nor «5 كم», kilometres
    r"|(?<!\w)(?:ما|ماهو|ماهي|ما هو|ما هي) (?:عدد|نسبه|سعر|مبلغ|كميه|حجم|قيمه|تكلفه|كلفه|طول|عمق)(?!\w)"
)
_ASKS_DATE = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|decade|century)\b"
    r"|(?<!\w)(?:و|ف)?متي(?!\w)|(?<!\w)(?:اي|ما|ماهو|ما هو) (?:ال)?(?:عام|سنه|تاريخ|شهر|يوم|عقد|قرن)(?!\w)"
)
_NUMBER_WORDS = frozenset(
    stem(fold(word))
    for word in """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion
    half third quarter dozen once twice double single first second both none
    صفر واحد واحدة اثنان اثنين اثنتان اثنتين ثلاثة ثلاث أربعة أربع خمسة خمس ستة ست سبعة سبع ثمانية ثماني تسعة تسع
    عشرة عشر عشرون عشرين ثلاثون ثلاثين أربعون أربعين خمسون خمسين ستون ستين سبعون سبعين ثمانون ثمانين تسعون تسعين
    اثنا اثنتا ثمان مئة مائة مئات ألف آلاف مليون ملايين مليار مليارات نصف ثلث ربع ضعف عشرات
    مئتان مئتين مئتا مئتي مائتان مائتين مائتا مائتي ألفان ألفين ألفا ألفي مليونان مليونا ملياران مليارا
    ثلاثمئة أربعمئة خمسمئة ستمئة سبعمئة ثمانمئة ثمانيمئة تسعمئة
    ثلاثمائة أربعمائة خمسمائة ستمائة سبعمائة ثمانمائة ثمانيمائة تسعمائة
    يومان يومين عامان عامين شهران شهرين سنتان سنتين مرتان مرتين قرنان قرنين عقدان عقدين
    """.split()
)
_DATE_WORDS = frozenset(
    stem(fold(word))
    for word in """
    january february march april may june july august september october november december century decade
    year years era age today yesterday spring summer autumn winter ago
    يناير فبراير مارس أبريل إبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر كانون شباط آذار نيسان أيار حزيران
    تموز آب أيلول تشرين قرن عقد عام سنة أعوام سنوات شهر محرم صفر رمضان شوال
    عامان عامين شهران شهرين سنتان سنتين قرنان قرنين عقدان عقدين
    """.split()
)


def asks_for(question: str) -> frozenset[str]:
    """Which of ``number`` and ``date`` an answer to ``question`` must hold, as far as its words tell."""
    folded = fold(question)
    asked = set()
    if _ASKS_NUMBER.search(folded):
        asked.add("number")
    if _ASKS_DATE.search(folded):
        asked.add("date")
    return frozenset(asked)


def offers(terms: Iterable[str]) -> frozenset[str]:
    """Which of ``number`` and ``date`` a text with these ``analyse`` terms holds."""
    held = set()
    for term in terms:
        if term[0].isdigit():
            return frozenset({"number", "date"})
        if term in _NUMBER_WORDS:
            held.add("number")
        if term in _DATE_WORDS:
            held.add("date")
    return frozenset(held)
