"""Removal of our own sentences from replies, wherever they occur and however a mail program wraps them.

Our emails end with "or answer STOP". A reply that repeats this is no opt-out. A sentence is compared word by word, so white
space, punctuation, quote marks, links and case make no difference. A sentence is removed only as a whole: a person who writes
"Do not write to me again" uses our words, and means them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from replies.text.folding import fold
from replies.text.html_reader import read_html
from replies.text.lines import Line, Mark

MIN_CERTAIN_WORDS = 6
"""Sentences of fewer fixed words are removed only beside another sentence of the same email, in its order."""
MAX_BLANK_WORDS = 8
"""Most words that one value of a lead may have, such as an address."""

_BLANK = "\u25a1"
_WRITTEN_BLANK = re.compile(r"\{\{[^{}]{0,80}\}\}")
_LINK = re.compile(r"[<\[(]?\b(?:https?://|mailto:|www\.)[^\s>\])]*[>\])]?")
_CHUNK = re.compile(r"\S+")
_WORD = re.compile(rf"[a-z0-9]+|{_BLANK}")
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")
_AFTER_SENTENCE = re.compile(r"[\s.,;:!?*)\]>\"']*")
_NEVER_A_VALUE = (
    "stop unsubscribe remove off no not dont never please pls quit cancel end alone contact email call write optout"
    " baja alto pare paren basta cancelar you yes"
).replace(" ", "|")
_VALUE = rf"(?: (?!(?:{_NEVER_A_VALUE}) )[a-z0-9]+){{0,{MAX_BLANK_WORDS}}}?"
"""Words of a value. Words that ask for something are never swallowed as a value."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    pattern: str
    """Regular expression of the words between the first and the last fixed word, each with a space before it."""
    fixed_words: int
    begins_blank: bool
    ends_blank: bool


@dataclass(frozen=True, slots=True)
class OwnSentences:
    """Sentences of the emails that we sent. Build it once per set of texts: it compiles each sentence."""

    emails: tuple[tuple[_Sentence, ...], ...] = ()
    """For each email its sentences in order."""

    @classmethod
    def of(cls, bodies: Iterable[str]) -> "OwnSentences":
        """Return the sentences of *bodies*: HTML or text of emails, with `{{name}}` where a lead's value stands."""
        emails = dict.fromkeys(tuple(_read_sentences(body)) for body in bodies)
        return cls(tuple(email for email in emails if email))

    def remove_from(self, lines: Sequence[Line]) -> tuple[list[Line], list[bool]]:
        """Return *lines* without our sentences, and for each line whether one of them stood on it.

        Lines with Mark.HEADER stay as they are. A sentence may begin on one line and end on a later one.
        """
        words = _Words.of(lines)
        removed: list[list[tuple[int, int]]] = [[] for _ in lines]
        for first, last in sorted(set(self._find(words))):
            for line, start, end in words.spans(first, last, lines):
                removed[line].append((start, end))
        for number in range(1, len(lines) - 1):
            if (removed[number - 1] or removed[number + 1]) and _is_only_link(lines[number]):
                removed[number].append((0, len(lines[number].text)))
        left = [replace(line, text=_cut(line.text, spans)) for line, spans in zip(lines, removed, strict=True)]
        return left, [bool(spans) for spans in removed]

    def _find(self, words: "_Words") -> Iterator[tuple[int, int]]:
        for email in self.emails:
            found = [
                (number, *ends)
                for number, sentence in enumerate(email)
                if sentence.fixed_words >= MIN_CERTAIN_WORDS
                for ends in words.find_all(sentence.pattern)
            ]
            seen = set(found)
            while found:
                number, first, last = found.pop()
                yield first, last
                for neighbour in _find_neighbours(email, number, first, last, words):
                    if neighbour not in seen:
                        seen.add(neighbour)
                        found.append(neighbour)


def _find_neighbours(
    email: Sequence[_Sentence], number: int, first: int, last: int, words: "_Words"
) -> Iterator[tuple[int, int, int]]:
    if number + 1 < len(email):
        following = email[number + 1]
        blank = _VALUE if email[number].ends_blank or following.begins_blank else ""
        if ends := words.match_after(last, blank + following.pattern, following.fixed_words):
            yield number + 1, *ends
    if number > 0:
        previous = email[number - 1]
        blank = _VALUE if previous.ends_blank or email[number].begins_blank else ""
        if ends := words.match_before(first, previous.pattern + blank, previous.fixed_words):
            yield number - 1, *ends


@dataclass(frozen=True, slots=True)
class _Words:
    """Words of all lines in one string, each with a space before it, and the place of each."""

    joined: str
    starts: Sequence[int]
    """Offset in `joined` of the space before each word."""
    places: Sequence[tuple[int, int, int]]
    """Line, start and end of the characters around each word."""

    @classmethod
    def of(cls, lines: Sequence[Line]) -> "_Words":
        pieces: list[str] = []
        starts: list[int] = []
        places: list[tuple[int, int, int]] = []
        length = 0
        for number, line in enumerate(lines):
            if line.mark is Mark.HEADER:
                continue
            for chunk in _CHUNK.finditer(_LINK.sub(lambda link: " " * len(link.group()), line.text)):
                for word in _words_of(chunk.group()):
                    pieces.append(f" {word}")
                    starts.append(length)
                    places.append((number, *chunk.span()))
                    length += len(word) + 1
        return cls("".join(pieces) + " ", starts, places)

    def find_all(self, pattern: str) -> Iterator[tuple[int, int]]:
        for match in re.finditer(pattern + "(?= )", self.joined):
            yield self._numbers(match.start(), match.end())

    def match_after(self, last: int, pattern: str, fixed_words: int) -> tuple[int, int] | None:
        if last + 1 >= len(self.starts):
            return None
        start = self.starts[last + 1]
        window = self._offset(last + 2 + fixed_words + 4 * MAX_BLANK_WORDS)
        match = re.compile(pattern + "(?= )").match(self.joined, start, window + 1)
        return self._numbers(match.start(), match.end()) if match else None

    def match_before(self, first: int, pattern: str, fixed_words: int) -> tuple[int, int] | None:
        start = self._offset(max(0, first - fixed_words - 4 * MAX_BLANK_WORDS))
        match = re.search(rf".*({pattern})$", self.joined[start : self.starts[first]])
        return self._numbers(start + match.start(1), start + match.end(1)) if match and match.group(1) else None

    def spans(self, first: int, last: int, lines: Sequence[Line]) -> Iterator[tuple[int, int, int]]:
        """Yield line, start and end of the characters to remove for the words from *first* to *last*."""
        first_line, start, _ = self.places[first]
        last_line, _, end = self.places[last]
        for line in range(first_line, last_line + 1):
            if lines[line].mark is not Mark.HEADER:
                yield line, start if line == first_line else 0, end if line == last_line else len(lines[line].text)

    def _offset(self, number: int) -> int:
        return self.starts[number] if number < len(self.starts) else len(self.joined) - 1

    def _numbers(self, start: int, end: int) -> tuple[int, int]:
        return bisect_left(self.starts, start), bisect_left(self.starts, end) - 1


def _is_only_link(line: Line) -> bool:
    return bool(line.text) and line.mark is not Mark.HEADER and not _LINK.sub("", line.text).strip(" .,")


def _words_of(text: str) -> list[str]:
    return _WORD.findall(fold(text).replace("'", ""))


def _read_sentences(body: str) -> Iterator[_Sentence]:
    lines, _ = read_html(_WRITTEN_BLANK.sub(f" {_BLANK} ", body).replace("\n", "<br/>"))
    for line in lines:
        for written in _SENTENCE_END.split(line.text):
            words = _words_of(_LINK.sub(" ", written))
            if fixed := [place for place, word in enumerate(words) if word != _BLANK]:
                core = words[fixed[0] : fixed[-1] + 1]
                pattern = "".join(_VALUE if word == _BLANK else f" {word}" for word in core)
                yield _Sentence(pattern, len(fixed), fixed[0] > 0, fixed[-1] + 1 < len(words))


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept = []
    done = 0
    for start, end in sorted(spans):
        if start > done:
            kept.append(text[done:start])
        done = max(done, _find_end_of_sentence(text, end))
    kept.append(text[done:])
    return " ".join(" ".join(kept).split())


def _find_end_of_sentence(text: str, end: int) -> int:
    """Return the place behind the link and the punctuation that follow the last word of a sentence at *end*."""
    link = re.compile(rf"\s*{_LINK.pattern}").match(text, end)
    after = _AFTER_SENTENCE.match(text, link.end() if link else end)
    return after.end() if after else end
