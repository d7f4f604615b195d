"""What text must not hold, on its way to a language model and back: pure functions.

Going in, nothing in a document, a question or a conversation may look like a tag, a token of a chat format, a mark or
a link (``neutral``). Coming out, a sentence may hold nothing of the kind that its sources lack (``adds``): whoever
made the model write it, the reader does not see it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from assistant.text import ARABIC_LETTER, LATIN_LETTER, analyse, content_words, fold, normalise, strip_format, words

_BRACKETS = str.maketrans("<>[]{}`|#＜＞［］｛｝｜【】", "‹›()()'¦＃‹›()()¦()")
_SPACES = re.compile(r"\s+")
# Controls, private use, tags and the selectors and fillers that can carry a message which nobody sees.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u206a-\u206f\u3164\ufe00-\ufe0f"
    "\uffa0\ufff0-\ufffb\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_SCHEME = (
    r"(?:[a-z][a-z0-9+.-]{1,15}\s*:\s*//|(?:javascript|mailto|sms|tel|vbscript)\s*:\s*(?=\S)|//(?=\w)|www\.)\S*"
    r"|\bdata\s*:\s*[a-z]+/\S*"
)
_LINK = re.compile(_SCHEME, re.IGNORECASE)
_ADDRESS = re.compile(
    rf"{_SCHEME}|\S+@\S+|\b(?:[\w-]+\.)+(?:[a-z]{{2,}}|xn--[\w-]+)\b\S*|\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b\S*",
    re.IGNORECASE,
)
_ENDS = ".,;:!?؟،؛…\"'”’»)"


def visible(text: str) -> str:
    """Text as one line without characters that no reader sees."""
    return _SPACES.sub(" ", _UNSEEN.sub("", strip_format(text))).strip()


def neutral(text: str) -> str:
    """Text as one line in which nothing looks like a tag, a token of a chat format, a citation mark or a link."""
    return _SPACES.sub(" ", _LINK.sub("…", visible(text)).translate(_BRACKETS)).strip()


def addresses(text: str) -> list[str]:
    """Links, web and mail addresses in a text, however they are written, without what ends the sentence."""
    plain = unicodedata.normalize("NFKC", visible(text)).casefold()
    return [match.group().rstrip(_ENDS) for match in _ADDRESS.finditer(plain)]


# --- what a sentence adds ----------------------------------------------------------------------------


def _set_of(spelled: str) -> frozenset[str]:
    return frozenset(map(fold, spelled.split()))


_PUNCTUATION = frozenset(" .,;:!?'\"()%/…،؛؟٪٫٬«»“”‘’–—-")
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_LABEL = re.compile(r"^((?:[^\s:：]{1,24}\s){0,2}[^\s:：]{1,24})\s?[:：]\s")
_LATIN_WORD = re.compile(f"[{LATIN_LETTER}]")
_ARABIC_WORD = re.compile(f"[{ARABIC_LETTER}]")
# No word of a language looks like this: a shout, a code, letters among digits, or capitals inside.
_ODD = re.compile(r"\b(?=\w*[^\W\d_])(?:[A-Z]{3,}|\w*[a-z][A-Z]\w*|\w*[^\W_]\d\w*[^\W\d_]\w*|\w{28,})\b")
_SCRIPTS = {"ar": _ARABIC_WORD, "en": _LATIN_WORD}
# Small words of a language, and of others in its letters that are no words of its own.
_SMALL = {
    "en": (
        _set_of(
            "the of and to in is was for on with by at from that it as are were be has had its this their which not"
        ),
        _set_of(
            """
            le la les des du de un une est sont dans que qui avec sur au aux et el los las del es por para con y fue
            der das und ist nicht mit von dem den ein eine wurde im auf il lo gli della di che nel os da em uma foi
            bir ve ile bu yang dan untuk dengan het een van zijn werd en
            """
        ),
    ),
    "ar": (
        _set_of("من في على إلى أن عن التي الذي هذا هذه ذلك كان كانت لم لا ما قد هو هي كما أو مع بين بعد قبل"),
        _set_of("است که این برای شد بود را های می ہے کے کی میں اور تھا کو نے سے"),
    ),
}
_BARE = _set_of("yes no true false correct indeed right نعم لا أجل كلا بلى صحيح خطأ")
# Words that say nothing by themselves, beside those that a question is made of.
_LIGHT = frozenset(
    term
    for term in analyse(
        """
        it its they them their he she his her him this that these those there here also both each other such as so
        than then thus therefore however while when where which who whom whose into onto within through during under
        per via been being am having i you we our your us if because since not nor only just very same one ones own
        according source sources answer first second
        انه انها انهم هو هي هم هما له لها لهم به بها بهم فيه فيها فيهم منه منها منهم عليه عليها عنه عنها إليه إليها
        ذلك تلك هذا هذه هؤلاء الذي التي الذين اللذان كما أيضا وقد لقد قد إذ حيث حين عندما بينما لأن لكن أو أم بل
        كل بعض غير عند لدى خلال ضمن وفق وفقا حسب بحسب كذلك بذلك وذلك كان كانت يكون تكون ليس ليست تم يتم جرى أول ثان
        المصدر المصادر الجواب
        """
    )
)


def adds(text: str, sources: Sequence[str], context: str, language: str) -> str | None:
    """What a sentence holds that must come from its sources and does not, by kind; None where there is nothing.

    Args:
        text: one sentence that a model wrote, without its marks.
        sources: what it cites.
        context: what else its words may come from, such as the titles of the sources. Addresses and signs must come
            from the sources themselves.
        language: of the answer, ``ar`` or ``en``.

    Returns:
        ``address``, ``sign``, ``label``, ``script``, ``tongue``, ``code``, ``bare``, ``apart`` or ``insertion``.
    """
    cited = "\n".join(sources)
    held = unicodedata.normalize("NFKC", visible(cited)).casefold()
    if any(address not in held for address in addresses(text)):
        return "address"
    if any(not _is_plain(letter) and letter not in cited for letter in unicodedata.normalize("NFC", text)):
        return "sign"
    known = {*words(cited), *words(context)}
    label = _LABEL.match(text)
    if label and not set(words(label[1])) <= known:
        return "label"
    said = words(text)
    if any(_is_foreign(word, language) and word not in known for word in said):
        return "script"
    if _is_in_another_language(set(said), known, language):
        return "tongue"
    if set(said) <= _BARE:
        return "bare"
    own = [source for source in sources if _SCRIPTS[language].search(source)]
    return _adds_words(text, own, known, context) if own else None


def _adds_words(text: str, sources: Sequence[str], known: set[str], context: str) -> str | None:
    """What can be told of a sentence and sources in one language."""
    if any(not set(words(odd)) <= known for odd in _ODD.findall(normalise(text))):
        return "code"
    said = content(text)
    cited = content("\n".join(sources))
    if said and not said & cited and not any(word[0].isdigit() for word in words(text)):
        return "apart"
    # Who writes with their own words leaves some of the source's out; who leaves none out and has more has added.
    if said - cited - content(context) and any(content(source) and content(source) <= said for source in sources):
        return "insertion"
    return None


def _is_plain(letter: str) -> bool:
    """Whether a character is a letter, a digit or the punctuation of ordinary sentences in either language."""
    if letter in _PUNCTUATION or letter.isspace() or _ARABIC_MARKS.match(letter):
        return True
    return letter.isalpha() or unicodedata.category(letter) in ("Nd", "Sc", "Pd")


def _is_foreign(word: str, language: str) -> bool:
    """Whether a folded word is written in another script than the answer's."""
    own = _SCRIPTS[language]
    return not own.search(word) and not word[0].isdigit()


def _is_in_another_language(said: set[str], known: set[str], language: str) -> bool:
    """Whether folded words are those of another language in the same letters, French in an English answer."""
    own, others = _SMALL[language]
    return not said & own and len((said & others) - known) > 1


def content(text: str) -> set[str]:
    """Terms of the words that say something: no pronouns, no words that a question is made of."""
    plain = normalise(text)
    return {term for start, end in content_words(plain) for term in analyse(plain[start:end])} - _LIGHT
