"""Language of an answer: Spanish where the person clearly wrote Spanish, else English."""

import re

from replies.answers.templates import Language
from replies.text.folding import fold

_WORD = re.compile(r"[a-z]+")
_SPANISH = frozenset(
    """
    si el la los las de del que y en un una con por para se mi su mas pero hola gracias favor quiero quisiera gustaria
    llamar llame llamenme llameme puede pueden casa interesa interesado interesada estoy soy esta cuando manana tarde
    buenos buenas dias tardes informacion correo telefono numero ustedes usted como donde cuanto
    """.split()  # noqa: SIM905 - forty words are read more easily so
)
_ENGLISH = frozenset(
    """
    yes the a an of and to in is it i my you your we our for with on at please call would like more but hello hi thanks
    thank interested want can could house home when tomorrow afternoon morning information email phone number what how
    where much this that have do not
    """.split()  # noqa: SIM905
)
"""Frequent words of both languages without accents. Words of both, such as `no`, are in neither."""


def detect_language(text: str) -> Language:
    """Return the language of *text*. In doubt it is English, the language of our emails."""
    words = _WORD.findall(fold(text))
    spanish, english = (sum(word in known for word in words) for known in (_SPANISH, _ENGLISH))
    return "es" if spanish > english else "en"
