"""Every word of the knowledge page, in Arabic and in English."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from assistant.ui.texts import TEXTS, Language


@dataclass(frozen=True, slots=True)
class KnowledgeTexts:
    """The page in one language. Fields with ``{…}`` are filled in where they are used."""

    title: str
    chat: str
    pages: str
    search: str
    documents: str
    facts: str
    nothing_found: str
    no_documents: str
    no_facts: str
    passages: str
    characters: str
    date: str
    cited_by: str
    evidence: str
    as_of: str
    previous: str
    next: str
    range: str
    state: str
    model: str
    last_sync: str
    never: str
    added: str
    updated: str
    removed: str
    unchanged: str
    failed: str
    sync: str
    syncing: str
    synced: str
    failures: str
    warnings: str
    add: str
    drop: str
    choose: str
    formats: str
    uploading: str
    reading: str
    upload_failed: str
    too_large: str
    outcomes: Mapping[str, str]
    """``Result.outcome`` to what is said of it."""
    replace: str
    remove: str
    confirm_title: str
    confirm: str
    confirm_cited: str
    cancel: str
    was_removed: str
    obstacles: Mapping[str, str]
    """Why nothing can be changed: who asks, or the folder."""
    went_wrong: str
    broken: str
    theme: str


ARABIC = KnowledgeTexts(
    title="قاعدة المعرفة",
    chat="المحادثة",
    pages="الصفحات",
    search="ابحث في المستندات والحقائق…",
    documents="المستندات",
    facts="الحقائق المنسّقة",
    nothing_found="لا شيء يطابق بحثك. جرّب كلمة أخرى أو جزءًا من كلمة.",
    no_documents="لا مستندات هنا بعد.",
    no_facts="لا حقائق منسّقة هنا بعد.",
    passages="المقاطع",
    characters="الأحرف",
    date="التاريخ",
    cited_by="حقائق تستشهد به",
    evidence="الدليل",
    as_of="بتاريخ",
    previous="السابق",
    next="التالي",
    range="{first}–{last} من {total}",
    state="حالة الفهرس",
    model="نموذج التضمين",
    last_sync="آخر مزامنة",
    never="لم تجرِ مزامنة منذ بدء التشغيل.",
    added="أُضيف",
    updated="حُدّث",
    removed="حُذف",
    unchanged="بلا تغيير",
    failed="تعذّر",
    sync="مزامنة الآن",
    syncing="تجري المزامنة…",
    synced="تمت المزامنة.",
    failures="ما تعذّرت قراءته",
    warnings="تنبيهات",
    add="إضافة ملفات",
    drop="اسحب الملفات إلى هنا",
    choose="اختر ملفات",
    formats="الصيغ",
    uploading="يُرفع {name}",
    reading="تجري القراءة والفهرسة…",
    upload_failed="تعذّر رفع الملف. تحقّق من الاتصال وحاول مرة أخرى.",
    too_large="الملف أكبر من الحد المسموح به.",
    outcomes={
        "added": "أُضيف",
        "replaced": "حلّ محل السابق",
        "present": "موجود من قبل بالمحتوى نفسه",
        "exists": "في المجلد ملف آخر بهذا الاسم.",
        "format": "هذه الصيغة غير مدعومة.",
        "refused": "لم يُضَف:",
        "unread": "أُضيف إلى المجلد، لكن تعذّرت فهرسته:",
    },
    replace="استبدال الملف السابق",
    remove="حذف",
    confirm_title="حذف هذا المستند؟",
    confirm="سيُحذف الملف من مجلد المعرفة، ولا يمكن التراجع عن ذلك.",
    confirm_cited="تستند إليه حقائق منسّقة، ولن تُستخدم من دونه:",
    cancel="إلغاء",
    was_removed="حُذف «{title}».",
    obstacles={
        "user": "للقراءة فقط: التعديل لمن سجّل الدخول.",
        "shipped": (
            "هذه قاعدة المعرفة المرفقة مع دليل، وهي للقراءة فقط. لتضيف مستنداتك أنشئ مجلدًا اسمه knowledge "
            "ثم شغّل دليلًا من مكانه."
        ),
        "read-only": "للقراءة فقط: لا يمكن الكتابة في مجلد المعرفة. تحقّق من أذوناته.",
    },
    went_wrong="تعذّر ذلك: {reason}",
    broken="حدث خطأ غير متوقع. حاول مرة أخرى.",
    theme="تبديل المظهر",
)

ENGLISH = KnowledgeTexts(
    title="Knowledge base",
    chat="Chat",
    pages="Pages",
    search="Search documents and facts…",
    documents="Documents",
    facts="Curated facts",
    nothing_found="Nothing matches. Try another word, or a part of one.",
    no_documents="No documents yet.",
    no_facts="No curated facts yet.",
    passages="Passages",
    characters="Characters",
    date="Date",
    cited_by="Facts citing it",
    evidence="Evidence",
    as_of="As of",
    previous="Previous",
    next="Next",
    range="{first}–{last} of {total}",
    state="State of the index",
    model="Embedding model",
    last_sync="Last sync",
    never="Not synced since the start.",
    added="Added",
    updated="Updated",
    removed="Removed",
    unchanged="Unchanged",
    failed="Failed",
    sync="Sync now",
    syncing="Syncing…",
    synced="In step with the folder.",
    failures="What could not be read",
    warnings="Warnings",
    add="Add files",
    drop="Drop files here",
    choose="Choose files",
    formats="Formats",
    uploading="Uploading {name}",
    reading="Reading and indexing…",
    upload_failed="The upload did not work. Check the connection and try again.",
    too_large="The file is larger than allowed.",
    outcomes={
        "added": "Added",
        "replaced": "Took the place of the old one",
        "present": "There already, with the same content",
        "exists": "There is another file of this name.",
        "format": "This format is not supported.",
        "refused": "Not added:",
        "unread": "In the folder now, but it could not be indexed:",
    },
    replace="Replace the old file",
    remove="Remove",
    confirm_title="Remove this document?",
    confirm="The file is deleted from the knowledge folder. This cannot be undone.",
    confirm_cited="Curated facts rest on it, and are not used without it:",
    cancel="Cancel",
    was_removed="“{title}” was removed.",
    obstacles={
        "user": "Reading only: those who have logged in can make changes.",
        "shipped": (
            "This is the knowledge base that comes with Dalil; it is for reading only. For documents of your own, "
            "make a folder named knowledge and start Dalil beside it."
        ),
        "read-only": "Reading only: the knowledge folder cannot be written. Check its permissions.",
    },
    went_wrong="That did not work: {reason}",
    broken="Something unexpected went wrong. Please try again.",
    theme="Switch between light and dark",
)

KNOWLEDGE_TEXTS: Mapping[Language, KnowledgeTexts] = {"ar": ARABIC, "en": ENGLISH}

_ARABIC_DIGITS = str.maketrans("0123456789,", "٠١٢٣٤٥٦٧٨٩٬")


def number(value: int, language: Language) -> str:
    """A number as readers of the language write it: ``12,345`` or ``١٢٬٣٤٥``."""
    written = f"{value:,}"
    return written.translate(_ARABIC_DIGITS) if language == "ar" else written


def knowledge_texts_json() -> str:
    """What the browser's half says itself, safe inside a ``<script>`` element."""
    plain = {
        language: {
            **asdict(texts),
            "name": TEXTS[language].name,
            "other_language": TEXTS[language].other_language,
            "close": TEXTS[language].close,
        }
        for language, texts in KNOWLEDGE_TEXTS.items()
    }
    return json.dumps(plain, ensure_ascii=False).replace("<", "\\u003c")
