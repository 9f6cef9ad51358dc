"""Routing table of replies: what follows from an intent (docs/replies.md, Routing). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Intent = Literal["interested", "question", "not_interested", "unsubscribe", "out_of_office", "wrong_person", "other"]
Sentiment = Literal["positive", "neutral", "negative"]
ClassifiedBy = Literal["rules", "model", "label"]
TargetStatus = Literal["replied", "paused", "unsubscribed"]
Suppression = Literal["opt_out", "wrong_person"]

MIN_CONFIDENCE = 0.6
"""A result below it is a question, which a person reads."""
MAX_ANSWERS_PER_DAY = 2
"""Automatic answers to one lead in 24 hours."""


@dataclass(frozen=True, slots=True)
class Classification:
    """Meaning of one reply. *confidence* is None where rules or a label decided, which are certain."""

    intent: Intent
    classified_by: ClassifiedBy
    sentiment: Sentiment | None = None
    confidence: float | None = None
    is_call_requested: bool = False
    model: str | None = None
    fallback_reason: str | None = None
    """Reason for which rules decided instead of the model."""

    @property
    def is_sure(self) -> bool:
        """Whether the confidence suffices to act."""
        return self.confidence is None or self.confidence >= MIN_CONFIDENCE


@dataclass(frozen=True, slots=True)
class Route:
    """Row of the routing table."""

    name: str
    status: TargetStatus | None = None
    """New status of the lead; None leaves it."""
    suppression: Suppression | None = None
    """Reason for which the address of the sender is suppressed on every lead."""
    answer: str | None = None
    """Template of the automatic answer."""
    action: str = "none"
    """Action in words, for people."""


CONSENT_LINK = Route("consent_link", "replied", answer="consent_link", action="answer with the consent link")
CALL = Route("call", "replied", action="a call, because an active consent exists")
QUESTION = Route("question", "replied", action="the broker answers; no automatic answer about money")
PAUSE = Route("pause", "paused")
CONTINUE = Route("continue", action="none; the sequence continues")
WRONG_PERSON = Route("wrong_person", suppression="wrong_person", action="suppress the address on every lead")
OPT_OUT = Route("opt_out", "unsubscribed", suppression="opt_out", action="opt-out from emails and calls")
ROUTES: Sequence[Route] = (CONSENT_LINK, CALL, QUESTION, PAUSE, CONTINUE, WRONG_PERSON, OPT_OUT)

_BY_INTENT: Mapping[Intent, Route] = {
    "question": QUESTION,
    "other": QUESTION,
    "not_interested": PAUSE,
    "out_of_office": CONTINUE,
    "wrong_person": WRONG_PERSON,
    "unsubscribe": OPT_OUT,
}


def choose_route(classification: Classification, *, has_consent: bool, can_answer: bool) -> Route:
    """Return the route of a reply.

    *has_consent*: an active consent to calls exists. *can_answer*: a person wrote an email that can be answered; of interest
    that cannot be answered automatically, the broker learns. An opt-out counts at any confidence.
    """
    if classification.intent == "unsubscribe":
        return OPT_OUT
    if not classification.is_sure:
        return QUESTION
    if classification.intent != "interested":
        return _BY_INTENT[classification.intent]
    if has_consent:
        return CALL
    return CONSENT_LINK if can_answer else QUESTION


IRREVERSIBLE_ROUTES = frozenset({OPT_OUT.name, WRONG_PERSON.name})
"""Routes that no later classification replaces: only the person can undo an opt-out."""


def may_replace(former_route: str | None, new: Route, *, is_answered: bool) -> bool:
    """Return whether a reply that was routed before is routed again.

    Never after an opt-out. After an answer that was sent, or may have been, only for an opt-out or a wrong person.
    """
    if former_route in IRREVERSIBLE_ROUTES:
        return former_route == WRONG_PERSON.name and new is OPT_OUT
    return new.suppression is not None or not is_answered
