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
    skip: str
    send: str
    stop: str
    other_language: str
    """Name of the other interface language, in that language."""
    light: str
    dark: str

    knowledge: str
    """Names the page of documents and facts."""
    log_out: str
    conversations: str
    conversation: str
    new_chat: str
    no_conversations: str
    not_kept: str
    untitled: str
    rename: str
    new_name: str
    export: str
    delete: str
    deleted: str
    undo: str

    question: str
    """Names a question for those who hear the page."""
    answer: str
    edit: str
    editing: str
    cancel: str
    retry: str
    copy: str
    copied: str
    thinking: str
    stopped: str
    ready: str

    high: str
    medium: str
    low: str
    good: str
    bad: str
    why: str
    why_good: str
    send_reason: str
    thanks: str
    not_rated: str

    sources: str
    close: str
    source: str
    page: str
    fact: str
    statement: str
    as_of: str
    evidence: str
    closest: str
    closest_note: str
    whole: str
    new_tab: str
    document: str
    close_document: str
    to_quote: str
    changed: str
    gone: str
    gone_note: str
    back: str
    languages: Mapping[str, str]
    """Language codes to names; a code that is missing is shown as it is."""

    question_refused: str
    failed: str
    broken: str
    busy: str
    expired: str
    lost: str
    exported_from: str
    examples: tuple[str, ...]


ARABIC = Texts(
    name="دليل",
    tagline="إجابات من مستنداتك، بمصادرها",
    welcome="ماذا تريد أن تعرف؟",
    promise="كل جملة في الإجابة تشير إلى الجملة التي تستند إليها.",
    placeholder="اسأل بالعربية أو بالإنجليزية…",
    skip="انتقل إلى مربع السؤال",
    send="إرسال",
    stop="إيقاف الإجابة",
    other_language="English",
    light="المظهر الفاتح",
    dark="المظهر الداكن",
    knowledge="قاعدة المعرفة",
    log_out="تسجيل الخروج",
    conversations="المحادثات",
    conversation="المحادثة",
    new_chat="محادثة جديدة",
    no_conversations="لا محادثات بعد. ستجد هنا ما تسأل عنه.",
    not_kept="لا يحفظ هذا المتصفح المحادثات: تبقى ما بقيت هذه الصفحة مفتوحة.",
    untitled="محادثة بلا عنوان",
    rename="تغيير العنوان",
    new_name="العنوان الجديد",
    export="تنزيل بصيغة Markdown",
    delete="حذف",
    deleted="حُذفت المحادثة",
    undo="تراجع",
    question="السؤال",
    answer="الإجابة",
    edit="تعديل السؤال",
    editing="أنت تعدّل سؤالك الأخير، وستحل إجابته محل السابقة.",
    cancel="إلغاء",
    retry="إعادة المحاولة",
    copy="نسخ",
    copied="نُسخ",
    thinking="جارٍ البحث في المستندات…",
    stopped="أُوقفت الإجابة",
    ready="الإجابة جاهزة",
    high="ثقة عالية",
    medium="ثقة متوسطة",
    low="ثقة منخفضة",
    good="إجابة جيدة",
    bad="إجابة غير جيدة",
    why="ما الخطأ فيها؟ (اختياري)",
    why_good="ما الذي أعجبك فيها؟ (اختياري)",
    send_reason="إرسال الملاحظة",
    thanks="شكرًا على رأيك",
    not_rated="تعذّر حفظ رأيك في هذه الإجابة. أعد السؤال ثم قيّم إجابته.",
    sources="المصادر",
    close="إغلاق المصادر",
    source="المصدر",
    page="ص",
    fact="حقيقة منسّقة",
    statement="نص الحقيقة",
    as_of="صحيحة في",
    evidence="دليلها في المستند",
    closest="أقرب المقاطع",
    closest_note="ليست إجابة عن سؤالك، بل أقرب ما في قاعدة المعرفة إليه.",
    whole="المستند كاملًا",
    new_tab="فتح في علامة تبويب جديدة",
    document="المستند",
    close_document="إغلاق المستند",
    to_quote="إلى الجملة المقتبسة",
    changed="تغيّر هذا المستند منذ الإجابة، ولم تعد الجملة المقتبسة في موضعها.",
    gone="المستند غير موجود",
    gone_note="لا مستند بهذا الاسم في قاعدة المعرفة الآن. ربما حُذف أو نُقل.",
    back="العودة إلى المحادثة",
    languages={"ar": "العربية", "en": "الإنجليزية"},
    question_refused="لا يمكن طرح هذا السؤال: إما أنه أطول مما ينبغي أو أنه بلا كلمات. أعد صياغته من فضلك.",
    failed="تعذّرت الإجابة: {reason}",
    broken="حدث خطأ غير متوقع. حاول مرة أخرى.",
    busy="الأسئلة كثيرة الآن. حاول مرة أخرى بعد قليل.",
    expired="انتهت جلستك. أعد تحميل الصفحة وسجّل الدخول من جديد.",
    lost="انقطع الاتصال بدليل. تحقق من أنه يعمل ثم أعد المحاولة.",
    exported_from="نُزّلت من دليل في {date}",
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
    skip="Skip to the question box",
    send="Send",
    stop="Stop the answer",
    other_language="العربية",
    light="Light mode",
    dark="Dark mode",
    knowledge="Knowledge base",
    log_out="Log out",
    conversations="Conversations",
    conversation="Conversation",
    new_chat="New chat",
    no_conversations="No conversations yet. What you ask is kept here.",
    not_kept="This browser does not keep conversations: they last as long as this page is open.",
    untitled="Untitled conversation",
    rename="Rename",
    new_name="New name",
    export="Download as Markdown",
    delete="Delete",
    deleted="Conversation deleted",
    undo="Undo",
    question="Question",
    answer="Answer",
    edit="Edit the question",
    editing="You are editing your last question; its answer will be replaced.",
    cancel="Cancel",
    retry="Try again",
    copy="Copy",
    copied="Copied",
    thinking="Searching the documents…",
    stopped="The answer was stopped",
    ready="The answer is ready",
    high="High confidence",
    medium="Medium confidence",
    low="Low confidence",
    good="Good answer",
    bad="Not a good answer",
    why="What is wrong with it? (optional)",
    why_good="What is good about it? (optional)",
    send_reason="Send the note",
    thanks="Thank you for telling us",
    not_rated="Your view of this answer could not be kept. Ask again, then rate the new answer.",
    sources="Sources",
    close="Close sources",
    source="Source",
    page="p.",
    fact="Curated fact",
    statement="What it states",
    as_of="True as of",
    evidence="Its evidence in the document",
    closest="Closest passages",
    closest_note="Not an answer to your question: only what comes nearest to it in the knowledge base.",
    whole="Whole document",
    new_tab="Open in a new tab",
    document="Document",
    close_document="Close the document",
    to_quote="To the quoted sentence",
    changed="This document has changed since the answer: the quoted sentence is no longer in its place.",
    gone="No such document",
    gone_note="The knowledge base has no document of this name now. It may have been removed or moved.",
    back="Back to the chat",
    languages={"ar": "Arabic", "en": "English"},
    question_refused="This question cannot be asked: it is too long or holds no words. Please rephrase it.",
    failed="No answer this time: {reason}",
    broken="Something unexpected went wrong. Please try again.",
    busy="There are many questions at the moment. Please try again shortly.",
    expired="Your session has ended. Load the page again and log in.",
    lost="The connection to Dalil was lost. Check that it is running, then try again.",
    exported_from="Downloaded from Dalil on {date}",
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
