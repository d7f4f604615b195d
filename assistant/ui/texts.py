"""Every word of the interface, in Arabic and in English."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

Language = Literal["ar", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

FONT_FAMILY = "IBM Plex Sans Arabic"
"""One family that draws both scripts, so that mixed lines keep one weight and height."""

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True, slots=True)
class Texts:
    """The interface in one language. Fields with ``{…}`` are filled in where they are used."""

    name: str
    tagline: str
    welcome: str
    promise: str
    placeholder: str
    send: str
    new_chat: str
    other_language: str
    """Name of the other interface language, in that language."""
    light: str
    dark: str
    conversation: str
    sources: str
    no_sources: str
    close: str
    source: str
    page: str
    fact: str
    high: str
    medium: str
    low: str
    copy: str
    copied: str
    thinking: str
    languages: Mapping[str, str]
    """Language codes to names; a code that is missing is shown as it is."""
    question_refused: str
    failed: str
    broken: str
    examples: tuple[str, ...]


ARABIC = Texts(
    name="دليل",
    tagline="إجابات من مستنداتك، بمصادرها",
    welcome="ماذا تريد أن تعرف؟",
    promise="كل جملة في الإجابة تشير إلى الجملة التي تستند إليها.",
    placeholder="اسأل بالعربية أو بالإنجليزية…",
    send="إرسال",
    new_chat="محادثة جديدة",
    other_language="English",
    light="المظهر الفاتح",
    dark="المظهر الداكن",
    conversation="المحادثة",
    sources="المصادر",
    no_sources="لا مصادر لهذا الرد.",
    close="إغلاق المصادر",
    source="المصدر",
    page="ص",
    fact="حقيقة منسّقة",
    high="ثقة عالية",
    medium="ثقة متوسطة",
    low="ثقة منخفضة",
    copy="نسخ",
    copied="نُسخت",
    thinking="يبحث في المستندات…",
    languages={"ar": "العربية", "en": "الإنجليزية"},
    question_refused="لا يمكن طرح هذا السؤال: إما أنه أطول مما ينبغي أو أنه بلا كلمات. أعد صياغته من فضلك.",
    failed="تعذّرت الإجابة: {reason}",
    broken="حدث خطأ غير متوقع. حاول مرة أخرى.\nSomething unexpected went wrong. Please try again.",
    examples=(
        "ما هو الممر الأوسط؟",
        "متى بدأ الحوار بين اليابان وآسيا الوسطى؟",
        "What is the Middle Corridor?",
        "How much will Japan spend on mineral supply chains?",
    ),
)

ENGLISH = Texts(
    name="Dalil",
    tagline="Answers from your documents, with their sources",
    welcome="What would you like to know?",
    promise="Every sentence of an answer points to the sentence it rests on.",
    placeholder="Ask in English or Arabic…",
    send="Send",
    new_chat="New chat",
    other_language="العربية",
    light="Light mode",
    dark="Dark mode",
    conversation="Conversation",
    sources="Sources",
    no_sources="No sources for this reply.",
    close="Close sources",
    source="Source",
    page="p.",
    fact="Curated fact",
    high="High confidence",
    medium="Medium confidence",
    low="Low confidence",
    copy="Copy",
    copied="Copied",
    thinking="Searching the documents…",
    languages={"ar": "Arabic", "en": "English"},
    question_refused="This question cannot be asked: it is too long or holds no words. Please rephrase it.",
    failed="No answer this time: {reason}",
    broken="Something unexpected went wrong. Please try again.\nحدث خطأ غير متوقع. حاول مرة أخرى.",
    examples=(
        "What is the Middle Corridor?",
        "How much will Japan spend on mineral supply chains?",
        "ما هو الممر الأوسط؟",
        "متى بدأ الحوار بين اليابان وآسيا الوسطى؟",
    ),
)

TEXTS: Mapping[Language, Texts] = {"ar": ARABIC, "en": ENGLISH}


def interface_language(code: str) -> Language:
    """The interface language for a language code: Arabic for Arabic, English for every other one."""
    return "ar" if code == "ar" else "en"


def direction(code: str) -> Literal["rtl", "ltr"]:
    """The writing direction of a language, as HTML's ``dir`` has it."""
    return "rtl" if code in RIGHT_TO_LEFT else "ltr"


def script_language(text: str, otherwise: Language) -> Language:
    """The language whose letters the text has most of; ``otherwise`` where it has neither."""
    arabic = sum("\u0600" <= letter <= "\u08ff" for letter in text)
    latin = sum(letter.isascii() and letter.isalpha() for letter in text)
    if arabic == latin:
        return otherwise
    return "ar" if arabic > latin else "en"


def texts_json() -> str:
    """Both languages for the browser, safe inside a ``<script>`` element."""
    plain = {language: asdict(texts) for language, texts in TEXTS.items()}
    return json.dumps(plain, ensure_ascii=False).replace("<", "\\u003c")
