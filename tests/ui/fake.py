"""A small assistant that answers a few questions by rote, so that the interface can be tested by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Literal

from assistant.answering import pieces
from assistant.errors import DocumentError, ModelError, QuestionError
from assistant.schema import Answer, AnswerPiece, Citation, Document, Evidence, Fact, Hit, Kind

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
    metadata={"date": "2025-12-28"},
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
    metadata={"date": "2024-06"},
)
LONG_PARAGRAPHS = 1_500
LAST_SENTENCE = "The very last sentence of the long report names the port of Aktau."
LONG_DOCUMENT = Document(
    id="documents/long report.txt",
    title="A long report",
    language="en",
    text="\n\n".join(
        [f"Section {number}\n\n" + "The report goes on for a while. " * 20 for number in range(LONG_PARAGRAPHS)]
        + [LAST_SENTENCE]
    ),
    source="documents/long report.txt",
)
"""About a million characters."""

DOCUMENTS = {document.id: document for document in (ARABIC_DOCUMENT, ENGLISH_DOCUMENT, LONG_DOCUMENT)}

ARABIC_QUOTE = "الممر الأوسط طريق متعدد الوسائط يربط الصين بأوروبا عبر كازاخستان وبحر قزوين وأذربيجان وجورجيا."
ARABIC_NAME_QUOTE = "ويسمّى أيضًا Trans-Caspian International Transport Route، واختصاره TITR."
ENGLISH_QUOTE = "Japan will spend 3 trillion yen over five years on mineral supply chains & related transport."
DIALOGUE_QUOTE = "Japan opened its dialogue with the countries of Central Asia in 2004."

FACT = Fact(
    id="dialogue-start",
    statements={
        "ar": "بدأ الحوار بين اليابان وآسيا الوسطى عام 2004.",
        "en": "The dialogue between Japan and Central Asia began in 2004.",
    },
    evidence=(Evidence(ENGLISH_DOCUMENT.id, DIALOGUE_QUOTE),),
    tags=("dialogue",),
    as_of="2025-12",
)

ASK_ARABIC = "ما هو الممر الأوسط؟"
ASK_ENGLISH = "How much will Japan spend on mineral supply chains?"
ASK_ACROSS = "What is the Middle Corridor?"
ASK_FACT = "متى بدأ الحوار بين اليابان وآسيا الوسطى؟"
ASK_LONG = "Which port does the long report name?"
ASK_SLOWLY = "Tell me slowly, please."
ASK_AGAIN = "Think again about it."
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
        fact_id=FACT.id if kind == "fact" else None,
    )


def answer(
    question: str,
    language: str,
    text: str,
    confidence: float,
    *citations: Citation,
    closest: tuple[Hit, ...] = (),
    note: str | None = None,
) -> Answer:
    """An answer that holds these citations, or an abstention without any."""
    return Answer(question, language, bool(citations), text, confidence, "extractive", citations, 1.0, closest, note)


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
ANSWERS[ASK_LONG] = answer(ASK_LONG, "en", f"{LAST_SENTENCE[:-1]} [1].", 0.9, citation(1, LONG_DOCUMENT, LAST_SENTENCE))
SLOW_ANSWER = answer(
    ASK_SLOWLY,
    "en",
    f"{DIALOGUE_QUOTE[:-1]} [1]. {ENGLISH_QUOTE[:-1]} [2].",
    0.9,
    citation(1, ENGLISH_DOCUMENT, DIALOGUE_QUOTE),
    citation(2, ENGLISH_DOCUMENT, ENGLISH_QUOTE),
)
WITHDRAWN = "This was said too early"
NOTE = "One sentence was left out: no source supports it."
AGAIN_ANSWER = answer(
    ASK_AGAIN,
    "en",
    f"{DIALOGUE_QUOTE[:-1]} [1].",
    0.9,
    citation(1, ENGLISH_DOCUMENT, DIALOGUE_QUOTE),
    note=NOTE,
)
CLOSEST = (
    Hit("p1", ARABIC_DOCUMENT.id, ARABIC_DOCUMENT.title, ARABIC_QUOTE, "ar", "document", 0.2),
    Hit("p2", ENGLISH_DOCUMENT.id, ENGLISH_DOCUMENT.title, DIALOGUE_QUOTE, "en", "document", 0.1),
)
ABSTENTIONS = {
    "ar": "لا تحتوي قاعدة المعرفة على إجابة لهذا السؤال.",
    "en": "The knowledge base does not hold the answer to this question.",
}


class FakeDalil:
    """Answers ``ANSWERS``, abstains from everything else, and remembers what it was asked.

    ``ASK_SLOWLY`` is answered up to its first mark; the rest comes when ``go_on`` is set.
    """

    def __init__(self) -> None:
        self.histories: list[list[tuple[str, str]]] = []
        self.go_on = threading.Event()
        self.closed = threading.Event()
        """A slow answer was given up before its end."""

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] | None = None,
        language: str | None = None,
    ) -> Iterator[AnswerPiece | Answer]:
        """The answer by rote, an abstention, or the error that the question asks for."""
        self.histories.append(list(history or ()))
        if len(question) > LONGEST_QUESTION:
            raise QuestionError(f"the question has {len(question)} characters; at most {LONGEST_QUESTION}")
        if question == ASK_FAILING:
            raise ModelError("the model is not there; run 'dalil doctor'")
        if question == ASK_CRASHING:
            raise RuntimeError("a secret that no user should read")
        if question == ASK_SLOWLY:
            yield from self._slowly()
            return
        if question == ASK_AGAIN:
            yield AnswerPiece(f"{WITHDRAWN} [1].", (citation(1, ENGLISH_DOCUMENT, ENGLISH_QUOTE),))
            first, *rest = pieces(AGAIN_ANSWER)
            yield AnswerPiece(first.text, first.citations, restart=True)
            yield from rest
            yield AGAIN_ANSWER
            return
        found = ANSWERS.get(question)
        if found is None:
            spoken = "ar" if any("\u0600" <= letter <= "\u06ff" for letter in question) else "en"
            found = answer(question, spoken, ABSTENTIONS[spoken], 0.1, closest=CLOSEST)
        yield from pieces(found)
        yield found

    def _slowly(self) -> Iterator[AnswerPiece | Answer]:
        first, *rest = pieces(SLOW_ANSWER)
        ended = False
        try:
            yield first
            while not self.go_on.wait(0.05):
                yield AnswerPiece("")  # a real one is asked to stop between pieces as well
            yield from rest
            ended = True
            yield SLOW_ANSWER
        finally:
            if not ended:
                self.closed.set()

    def ask(
        self, question: str, history: Sequence[tuple[str, str]] | None = None, language: str | None = None
    ) -> Answer:
        """The whole answer at once."""
        *_, last = self.stream(question, history, language)
        assert isinstance(last, Answer)
        return last

    def document(self, document_id: str) -> Document:
        """One of the documents."""
        try:
            return DOCUMENTS[document_id]
        except KeyError:
            raise DocumentError(f"no document {document_id}") from None

    def fact(self, fact_id: str) -> Fact | None:
        """The one fact."""
        return FACT if fact_id == FACT.id else None


class FakeFeedback:
    """Keeps verdicts in memory: id to answer, verdict, reason and history."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[Answer, str, str, list[tuple[str, str]]]] = {}

    def add(
        self,
        answer: Answer,
        verdict: Literal["up", "down"],
        reason: str = "",
        history: Sequence[tuple[str, str]] = (),
        id: str | None = None,
    ) -> str:
        """Keep a verdict, or change the one with this id."""
        entry = id or f"entry-{len(self.entries)}"
        self.entries[entry] = (answer, verdict, reason, list(history))
        return entry
