"""A small assistant that answers a few questions by rote, so that the interface can be tested by itself."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.errors import DocumentError, ModelError, QuestionError
from assistant.schema import Answer, Citation, Document, Kind

INJECTION = "<img src=x onerror=\"document.title='owned'\"> ![](http://example.invalid/leak.png) ${1+1} {{2}}"

ARABIC_DOCUMENT = Document(
    id="documents/الممر-الأوسط.md",
    title="الممر الأوسط: طريق بين آسيا وأوروبا",
    language="ar",
    text=(
        "الممر الأوسط\n\n"
        "ظلّت طرق التجارة بين الصين وأوروبا تمرّ زمنًا طويلًا عبر الشمال. ثم بحثت دول المنطقة عن طريق آخر يقصّر "
        "المسافة ويوزّع المخاطر على أكثر من بلد واحد، فاجتمعت على مشروع مشترك.\n\n"
        "الممر الأوسط طريق متعدد الوسائط يربط الصين بأوروبا عبر كازاخستان وبحر قزوين وأذربيجان وجورجيا. "
        "ويسمّى أيضًا Trans-Caspian International Transport Route، واختصاره TITR. وقد زادت البضائع المنقولة "
        "عليه في السنوات الأخيرة، وتعمل الدول المعنية على توحيد التعريفات وتحديث الموانئ والسكك الحديدية. "
        "وتختصر بذلك الزمن."
    ),
    source="مجلة آسيا الوسطى، 2024",
)
ENGLISH_DOCUMENT = Document(
    id="documents/japan-minerals.pdf",
    title="Japan and the mineral supply chains of Central Asia",
    language="en",
    text=(
        f"Notes for editors: {INJECTION}\n\n"
        "Japan opened its dialogue with the countries of Central Asia in 2004. At the summit in Tokyo the "
        "two sides agreed on business deals and on training. Japan will spend 3 trillion yen over five years on "
        "mineral supply chains & related transport. The money goes to mines, railways and ports, and to the "
        "schools that train the people who run them. Officials expect the first projects to begin next year, "
        "after the partners have agreed on tariffs, on standards and on the order of the works."
    ),
    source="Ministry of Foreign Affairs of Japan",
)
DOCUMENTS = {document.id: document for document in (ARABIC_DOCUMENT, ENGLISH_DOCUMENT)}

ARABIC_QUOTE = "الممر الأوسط طريق متعدد الوسائط يربط الصين بأوروبا عبر كازاخستان وبحر قزوين وأذربيجان وجورجيا."
ARABIC_NAME_QUOTE = "ويسمّى أيضًا Trans-Caspian International Transport Route، واختصاره TITR."
ENGLISH_QUOTE = "Japan will spend 3 trillion yen over five years on mineral supply chains & related transport."
DIALOGUE_QUOTE = "Japan opened its dialogue with the countries of Central Asia in 2004."

ASK_ARABIC = "ما هو الممر الأوسط؟"
ASK_ENGLISH = "How much will Japan spend on mineral supply chains?"
ASK_ACROSS = "What is the Middle Corridor?"
ASK_FACT = "متى بدأ الحوار بين اليابان وآسيا الوسطى؟"
ASK_FAILING = "What breaks the model?"
ASK_CRASHING = "What crashes?"

LONGEST_QUESTION = 2000


def citation(
    number: int, document: Document, quote: str, *, kind: Kind = "document", page: int | None = None
) -> Citation:
    """A citation of a sentence that the document holds."""
    start = document.text.index(quote)
    return Citation(
        number=number,
        document_id=document.id,
        title=document.title,
        kind=kind,
        language=document.language,
        quote=quote,
        start=start,
        end=start + len(quote),
        page=page,
        fact_id="dialogue-start" if kind == "fact" else None,
    )


def answer(question: str, language: str, text: str, confidence: float, *citations: Citation) -> Answer:
    """An answer that holds these citations, or an abstention without any."""
    return Answer(question, language, bool(citations), text, confidence, "extractive", citations, 1.0)


ANSWERS = {
    ASK_ARABIC: answer(
        ASK_ARABIC,
        "ar",
        f"{ARABIC_QUOTE[:-1]} [1]. {ARABIC_NAME_QUOTE[:-1]} [2].",
        0.97,
        citation(1, ARABIC_DOCUMENT, ARABIC_QUOTE),
        citation(2, ARABIC_DOCUMENT, ARABIC_NAME_QUOTE),
    ),
    ASK_ENGLISH: answer(
        ASK_ENGLISH,
        "en",
        f"{ENGLISH_QUOTE[:-1]} [1].",
        0.74,
        citation(1, ENGLISH_DOCUMENT, ENGLISH_QUOTE, page=3),
    ),
    ASK_ACROSS: answer(
        ASK_ACROSS,
        "en",
        f"An Arabic source says: «{ARABIC_QUOTE[:-1]}» [1].",
        0.91,
        citation(1, ARABIC_DOCUMENT, ARABIC_QUOTE),
    ),
    ASK_FACT: answer(
        ASK_FACT,
        "ar",
        "بدأ الحوار بين اليابان وآسيا الوسطى عام 2004 [1].",
        0.55,
        citation(1, ENGLISH_DOCUMENT, DIALOGUE_QUOTE, kind="fact", page=2),
    ),
}
ABSTENTIONS = {
    "ar": "لا تحتوي قاعدة المعرفة على إجابة لهذا السؤال.",
    "en": "The knowledge base does not hold the answer to this question.",
}


class FakeDalil:
    """Answers ``ANSWERS``, abstains from everything else, and remembers what it was asked."""

    def __init__(self) -> None:
        self.histories: list[list[tuple[str, str]]] = []

    def ask(
        self,
        question: str,
        history: Sequence[tuple[str, str]] | None = None,
        language: str | None = None,
    ) -> Answer:
        """The answer by rote, an abstention, or the error that the question asks for."""
        self.histories.append(list(history or ()))
        if len(question) > LONGEST_QUESTION:
            raise QuestionError(f"the question has {len(question)} characters; at most {LONGEST_QUESTION}")
        if question == ASK_FAILING:
            raise ModelError("the model is not there; run 'dalil doctor'")
        if question == ASK_CRASHING:
            raise RuntimeError("a secret that no user should read")
        if question in ANSWERS:
            return ANSWERS[question]
        spoken = "ar" if any("\u0600" <= letter <= "\u06ff" for letter in question) else "en"
        return answer(question, spoken, ABSTENTIONS[spoken], 0.1)

    def document(self, document_id: str) -> Document:
        """One of the two documents."""
        try:
            return DOCUMENTS[document_id]
        except KeyError:
            raise DocumentError(f"no document {document_id}") from None
