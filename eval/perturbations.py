"""The same Arabic question written differently: pure functions, the same result every time.

What is random is drawn from the question itself, so that a question always changes in the same way.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_HARAKAT = "\u064e\u064f\u0650\u0652"  # fatha, damma, kasra, sukun
_CONSONANTS = "بتثجحخدذرزسشصضطظعغفقكلمنهوي"
_JOINING = "بتثجحخسشصضطظعغفقكلمنهي"
_LETTER = "\u0621-\u063a\u0641-\u064a"
_LONG_WORD = re.compile(f"[{_LETTER}]{{5,}}")

_NAMES = {
    "الولايات المتحدة": "United States",
    "جنكيز خان": "Genghis Khan",
    "الأمازون": "Amazon",
    "البانثرز": "Panthers",
    "البرونكوس": "Broncos",
    "الراين": "Rhine",
    "ألمانيا": "Germany",
    "أستراليا": "Australia",
    "أوروبا": "Europe",
    "بريطانيا": "Britain",
    "تسلا": "Tesla",
    "تيموجين": "Temujin",
    "جاكسونفيل": "Jacksonville",
    "روسيا": "Russia",
    "الصين": "China",
    "طوكيو": "Tokyo",
    "فرنسا": "France",
    "فيكتوريا": "Victoria",
    "كاليفورنيا": "California",
    "كوبلاي": "Kublai",
    "كينيا": "Kenya",
    "لندن": "London",
    "لوثر": "Luther",
    "نيوكاسل": "Newcastle",
    "هارفارد": "Harvard",
    "وارسو": "Warsaw",
    "اليابان": "Japan",
}
"""Names that questions of XQuAD hold, as bilingual writers put them."""
_NAME = re.compile(rf"(?<!\w)(?:{'|'.join(_NAMES)})(?!\w)")


def with_diacritics(question: str) -> str:
    """A haraka after every consonant."""
    chance = random.Random(question)
    return "".join(char + chance.choice(_HARAKAT) if char in _CONSONANTS else char for char in question)


def with_tatweel(question: str) -> str:
    """Every word of four letters or more is stretched after its first letter that joins the next."""
    return re.sub(f"([{_JOINING}])([{_LETTER}]{{3,}})", r"\1ـــ\2", question)


def without_hamza(question: str) -> str:
    """Bare alef, and no hamza on its carriers."""
    return question.translate(str.maketrans("أإآؤئ", "اااوي"))


def with_other_alef(question: str) -> str:
    """The hamza on the wrong side of the alef, and alef with madda as alef with hamza."""
    return question.translate(str.maketrans("أإآ", "إأأ"))


def with_ya(question: str) -> str:
    """Ya for alef maqsura, as in Egypt it is the other way round."""
    return question.replace("ى", "ي")


def with_maqsura(question: str) -> str:
    """Alef maqsura for ya at the end of words, as Egyptians write."""
    return re.sub(rf"ي(?![{_LETTER}])", "ى", question)


def with_ha(question: str) -> str:
    """Ha for ta marbuta."""
    return question.replace("ة", "ه")


def with_arabic_digits(question: str) -> str:
    """Arabic-Indic digits."""
    return question.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))


def with_swapped_letters(question: str) -> str:
    """A typo: two neighbours within a word of five letters or more change places."""
    return _typo(question, lambda word, at: word[:at] + word[at + 1] + word[at] + word[at + 2 :])


def with_dropped_letter(question: str) -> str:
    """A typo: a letter within a word of five letters or more is missing."""
    return _typo(question, lambda word, at: word[:at] + word[at + 1 :])


def _typo(question: str, change: Callable[[str, int], str]) -> str:
    """Change one word at one letter that is neither its first nor one of its last two."""
    chance = random.Random(question)
    words = list(_LONG_WORD.finditer(question))
    if not words:
        return question
    word = chance.choice(words)
    changed = change(word.group(), chance.randrange(1, len(word.group()) - 2))
    return question[: word.start()] + changed + question[word.end() :]


def without_question_mark(question: str) -> str:
    """No question mark at the end."""
    return question.rstrip(" ؟?")


def with_english_frame(question: str) -> str:
    """Code switching: the Arabic question inside an English sentence."""
    return f"Please tell me: {question}"


def with_english_names(question: str) -> str:
    """Code switching: names in English."""
    return _NAME.sub(lambda match: _NAMES[match.group()], question)


PERTURBATIONS: dict[str, Callable[[str], str]] = {
    "diacritics": with_diacritics,
    "tatweel": with_tatweel,
    "no hamza": without_hamza,
    "wrong alef": with_other_alef,
    "alef maqsura as ya": with_ya,
    "ya as alef maqsura": with_maqsura,
    "ta marbuta as ha": with_ha,
    "Arabic-Indic digits": with_arabic_digits,
    "typo: letters swapped": with_swapped_letters,
    "typo: letter dropped": with_dropped_letter,
    "no question mark": without_question_mark,
    "English frame": with_english_frame,
    "English names": with_english_names,
}
"""What a reader sees of each to the function."""
