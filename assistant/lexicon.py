"""Which words of Arabic and English mean the same, exclude each other, or sound alike: pure functions.

The words are in ``data/lexicon.txt``: countries and capitals, everyday words, and classes of which a thing is one
and not another. Names that are in no list are compared by the consonants that both scripts write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from assistant.text import fold, stem, words

_OPEN_CLASS = "word"
"""Its concepts do not exclude each other."""

_ENTITIES = frozenset("countries capitals lands continents waters planets bodies weekdays".split())
"""Classes of proper names."""

_ARABIC_CLITICS = tuple(fold(prefix) for prefix in "و ف ب ل ك س".split())

_ARABIC_PREFIXES = tuple(fold(prefix) for prefix in "ال وال بال كال فال لل و ف ب ل ك".split())
"""What may stand before a listed form."""

_IMPERFECT = ("ي", "ت", "ن")
"""What an imperfect verb begins with: «يرفع» is a form of «رفع»."""


_OF_FEMININE = ("ته", "تها", "تهم", "تهن")
"""Ends of a noun in «ة» that belongs to somebody."""
_ARABIC_ENDINGS = ("وا", "هم", "هن", "كم", "نا", "تا", "ت")
"""Ends of verbs and of what belongs to somebody that the stem keeps."""


def _without_prefixes(word: str) -> list[str]:
    """A folded word, and what is left of it without each thing that it may begin with."""
    if word.isascii():
        return [word]
    return [word, *(word[len(p) :] for p in _ARABIC_PREFIXES if word.startswith(p) and len(word) - len(p) >= 2)]


def _arabic_forms(word: str, root: str) -> Iterator[tuple[str, ...]]:
    """Forms under which a folded Arabic word may be listed, the likeliest first; those of one step are one word's."""
    if word.endswith("ا") and len(word) > 3:  # the accusative: «صيفًا»
        yield (word[:-1],)
    yield (root,)  # once more: «والألمان», whose article is followed by another «ال»
    starts = [word]
    for clitic in _ARABIC_CLITICS:
        if word.startswith(clitic) and len(word) > 3:
            starts.append(word[1:])
    for start in starts:
        # «تطير» is listed as «يطير» or «طير», «يلتحق» as «التحق»
        imperfect = start.startswith(_IMPERFECT) and len(start) > 3
        verbs = ("ي" + start[1:], start[1:], "ا" + start[1:]) if imperfect else ()
        yield (start, *verbs) if start != word else verbs
        for ending in _ARABIC_ENDINGS:
            if start.endswith(ending) and len(start) - len(ending) >= 3:
                yield (start[: -len(ending)],)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Concepts that words stand for."""

    phrases: Mapping[tuple[str, ...], frozenset[int]]
    """Stems of a form to the numbers of its concepts."""
    classes: Sequence[str]
    """Class of each concept."""
    exact: Mapping[str, frozenset[int]]
    """Folded words of concepts that exclude others, as they are listed: «فتيات» and «فتيان» have one stem."""
    names: Mapping[int, tuple[str, ...]]
    """Forms of the concepts that are proper names, folded and without prefixes."""
    longest: int
    """Words of the longest form."""

    def concepts(self, folded: Sequence[str]) -> list[frozenset[int]]:
        """Concepts of each word of a text, given its folded words; a phrase gives its own to all of its words."""
        stems = [stem(word) for word in folded]
        found = [self._sharpened(word, self._of_word(word, root)) for word, root in zip(folded, stems, strict=True)]
        for at in range(len(stems)):
            for length in range(min(self.longest, len(stems) - at), 1, -1):
                held = self._of_phrase(folded, stems, at, length)
                # "South Africa" is no direction; of any other phrase the words still mean what they mean
                if any(map(self.entity, held)):
                    found[at : at + length] = [held] * length
                    break
                for place in range(at, at + length):
                    found[place] |= held
        return found

    def _of_word(self, word: str, root: str) -> frozenset[int]:
        held = self._listed(word, self.phrases.get((root,), frozenset()))
        if word.isascii():
            return held
        if word.endswith(_OF_FEMININE):  # «مرآته» has the stem of «مرات»
            held |= self.phrases.get((stem(word[: word.rindex("ت")] + "ه"),), frozenset())
        if word.startswith("ي"):
            held |= self.phrases.get((stem(word[1:]),), frozenset())
        elif word.startswith("ت") and len(word) > 3:
            held |= self.phrases.get((stem("ي" + word[1:]),), frozenset())
        if held:
            return held
        for forms in _arabic_forms(word, root):
            for form in forms:
                held |= self._listed(word, self.phrases.get((stem(form),), frozenset()))
            if held:
                return held
        return held

    def _listed(self, word: str, held: frozenset[int]) -> frozenset[int]:
        """Without proper names whose listed forms the word does not begin with: «جورج» has the stem of «جورجي»."""
        bare = _without_prefixes(word)
        return frozenset(
            concept
            for concept in held
            if not self.entity(concept) or word.isascii() or any(form.startswith(self.names[concept]) for form in bare)
        )

    def _sharpened(self, word: str, held: frozenset[int]) -> frozenset[int]:
        """Without the concepts that are excluded by one whose listed form the word is."""
        exact = next((self.exact[form] for form in _without_prefixes(word) if form in self.exact), frozenset[int]())
        classes = {self.classes[concept] for concept in exact}
        return frozenset(concept for concept in held if concept in exact or self.classes[concept] not in classes)

    def _of_phrase(self, folded: Sequence[str], stems: Sequence[str], at: int, length: int) -> frozenset[int]:
        key = tuple(stems[at : at + length])
        held = self.phrases.get(key, frozenset())
        if not held and not folded[at].isascii() and folded[at][:1] in _ARABIC_CLITICS:
            held = self.phrases.get((stem(folded[at][1:]), *key[1:]), frozenset())
        return held

    def exclusive(self, concept: int) -> bool:
        """Whether a concept excludes the others of its class."""
        return self.classes[concept] != _OPEN_CLASS

    def opposed(self, one: frozenset[int], other: frozenset[int]) -> bool:
        """Whether a concept excludes one of the others, and none is shared."""
        return not one & other and bool(self.scales(one) & self.scales(other))

    def scales(self, concepts: frozenset[int]) -> frozenset[str]:
        """The classes of those concepts that exclude the others of their class."""
        if not concepts:
            return frozenset()
        return frozenset(self.classes[concept] for concept in concepts) - {_OPEN_CLASS}

    def entity(self, concept: int) -> bool:
        """Whether a concept is a proper name."""
        return self.classes[concept] in _ENTITIES


@lru_cache(maxsize=1)
def shipped_lexicon() -> Lexicon:
    """The lexicon that ships with Dalil."""
    text = resources.files("assistant").joinpath("data/lexicon.txt").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Lexicon:
    """Read the format that the head of ``lexicon.txt`` describes."""
    phrases: dict[tuple[str, ...], set[int]] = {}
    exact: dict[str, set[int]] = {}
    names: dict[int, tuple[str, ...]] = {}
    classes: list[str] = []
    for line in fold(text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, concepts = line.partition(":")
        for concept in concepts.split(";"):
            for form in concept.replace("|", " ").split():
                parts = form.split("_")
                # folded they are what ``words`` makes of them, but for hyphens and the like
                key = tuple(map(stem, parts if all(map(str.isalnum, parts)) else words(form.replace("_", " "))))
                phrases.setdefault(key, set()).add(len(classes))
                if name.strip() != _OPEN_CLASS and "_" not in form:
                    exact.setdefault(form, set()).add(len(classes))
                if name.strip() in _ENTITIES:
                    beginnings = {bare.rstrip("اه") or bare for bare in _without_prefixes(parts[0])}
                    names[len(classes)] = (*names.get(len(classes), ()), *sorted(beginnings))
            classes.append(name.strip())
    return Lexicon(
        {key: frozenset(value) for key, value in phrases.items()},
        classes,
        {form: frozenset(value) for form, value in exact.items()},
        names,
        max(map(len, phrases), default=1),
    )


# --- names -------------------------------------------------------------------------------------------

# Latin letters, longest first, and Arabic ones, as the consonants that either script keeps.
_LATIN_SOUNDS = (
    ("tch", "C"), ("sch", "S"), ("kh", "x"), ("gh", "g"), ("sh", "S"), ("ch", "C"), ("th", "t"), ("ph", "f"),
    ("zh", "j"), ("dh", "z"), ("ts", "s"), ("ck", "k"),
    ("qu", "k"), ("x", "ks"), ("ce", "s"), ("ci", "s"), ("cy", "s"), ("c", "k"),
    ("q", "k"), ("p", "b"), ("v", "f"), ("w", "w"), ("y", "y"), ("j", "j"), ("g", "g"),
    *((letter, letter) for letter in "bdfhklmnrstz"),
)  # fmt: skip
_ARABIC_SOUNDS = {"چ": "C"} | dict(zip("بتثجحخدذرزسشصضطظعغفقكلمنهوي", "bttjhxdzrzsSsdtz gfkklmnhwy", strict=True))
_NEAR = {frozenset(pair) for pair in "gj gk gx sz sS SC sC tC xh kx kC td tz dz jC jz jS fw bf ts jy jh".split()}
"""Sounds that one script writes for the other's."""
_LATIN_LETTERS = str.maketrans(
    {"ø": "o", "œ": "e", "æ": "e", "ł": "l", "ß": "s", "đ": "d", "ð": "d", "þ": "t", "ı": "i"}
)
_PEOPLES = ("ians", "eans", "ans", "ian", "ean", "an", "ese", "ic", "s")
"""Endings by which English makes a people or a quality of a name."""
_FRENCH = re.compile(r"(?<=[a-z]{2})(?:(?<=i)ers?|(?<=[eoau])ts?|(?<=er)t|(?<=aul)t|(?<=[aeo]u)x|(?<=i)x)$")
"""Endings that French writes and nobody says: "Thimonnier", "Monnet", "Bordeaux"."""
_SILENT = "hwy"
"""Written in one script and left out in the other."""
_NO_SILENT = str.maketrans("", "", _SILENT)
_SURE = 3
"""Consonants that make a word long enough to be known by its sound alone."""
_SAME_SOUND = 0.05
"""Share of the consonants that may differ where nothing but the sound speaks for two words."""
_VOWELS = "aeiouاع"
"""What a name begins with whose first consonant only one script writes."""
_ALIKE = 0.3
"""Share of the consonants that may differ."""


@lru_cache(maxsize=65_536)
def sounds(word: str) -> str:
    """Consonants of a folded word, in signs that both scripts share: "Tashkent" and «طشقند» are nearly the same."""
    word = word.translate(_LATIN_LETTERS)
    if not word.isascii():
        return "".join(_ARABIC_SOUNDS.get(letter, "") for letter in word.replace("تش", "چ")).replace(" ", "")
    kept, at = "", 0
    while at < len(word):
        for letters, sound in _LATIN_SOUNDS:
            if word.startswith(letters, at) and not (at and letters == word[at - 1]):
                kept, at = kept + sound, at + len(letters)
                break
        else:
            at += 1
    return kept


_NAME_PREFIXES = (*_ARABIC_CLITICS, *(fold(prefix) for prefix in "ال وال بال لل".split()))
"""What may stand before a name."""


@lru_cache(maxsize=65_536)
def sound_alike(one: str, other: str) -> bool:
    """Whether two folded words may be one name, in one script or in two.

    Arabic prefixes are taken off where the word does not fit with them.
    """
    return any(_alike(a, b) for a in _spoken(one) for b in _spoken(other))


@lru_cache(maxsize=65_536)
def one_name(one: str, other: str) -> bool:
    """Whether two folded words in two scripts are one by all their consonants, of which there are at least three.

    «كاميرون» is Cameron as well as Cameroon, and «السايغا» the saiga, whether that counts as a name or not.
    """
    return one.isascii() != other.isascii() and any(
        min(len(a.translate(_NO_SILENT)), len(b.translate(_NO_SILENT))) >= _SURE
        and _distance(a, b) <= _SAME_SOUND * max(len(a), len(b))
        for a, b in ((sounds(x), sounds(y)) for x in _bare(one) for y in _bare(other))
    )


@lru_cache(maxsize=65_536)
def sound_distance(one: str, other: str) -> float:
    """How far two folded words are from being one name by their consonants, 0 (the same) to 1."""
    skeletons = [(sounds(a), sounds(b)) for a in _spoken(one) for b in _spoken(other)]
    return min(1.0, *(_distance(a, b) / max(len(a), len(b), 1) for a, b in skeletons))


def _spoken(name: str) -> list[str]:
    """A name without what may stand before it or is written only."""
    bare = _bare(name)
    silent = _FRENCH.sub("", bare[0])
    return [*bare, silent] if silent != bare[0] and len(silent) > 3 else bare


def _bare(word: str) -> list[str]:
    if word.isascii():
        bare = word.removesuffix("'s")
        return [
            bare,
            *(bare.removesuffix(end) for end in _PEOPLES if bare.endswith(end) and len(bare) > len(end) + 2),
        ]
    forms = [word]
    for prefix in _NAME_PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= 3:
            forms.append(word[len(prefix) :])
    return forms


def _alike(one: str, other: str) -> bool:
    a, b = sounds(one), sounds(other)
    hard_a, hard_b = (sum(sound not in _SILENT for sound in skeleton) for skeleton in (a, b))
    if min(hard_a, hard_b) == 0:
        return False
    distance = _distance(a, b)
    if min(hard_a, hard_b) <= 2:
        # too short to forgive anything; the beginnings must agree as well
        return distance <= 0.65 and (one[0] in _VOWELS) == (other[0] in _VOWELS)
    return distance <= _ALIKE * max(hard_a, hard_b)


@lru_cache(maxsize=65_536)
def _distance(a: str, b: str) -> float:
    """Edits that turn one skeleton into the other; related consonants and silent ones cost less."""
    previous = [0.0]
    for sound in b:
        previous.append(previous[-1] + _drop(sound))
    for x in a:
        current = [previous[0] + _drop(x)]
        for j, y in enumerate(b, 1):
            change = 0.0 if x == y else 0.4 if frozenset((x, y)) in _NEAR else 1.2
            current.append(min(previous[j] + _drop(x), current[j - 1] + _drop(y), previous[j - 1] + change))
        previous = current
    return previous[-1]


def _drop(sound: str) -> float:
    return 0.1 if sound in _SILENT else 1.0
