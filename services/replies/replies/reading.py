"""Reading of one reply: new text and decision of the rules. It runs in a thread, since hostile bodies take long."""

from dataclasses import dataclass, field

import structlog

from replies.text.intents import RuleDecision, RuleIntent, decide_by_rules
from replies.text.new_text import NewText, extract_new_text
from replies.text.opt_out_words import MAX_READ_CHARACTERS, find_opt_out
from replies.text.own_sentences import OwnSentences
from replies.webhook import InstantlyEvent

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReadReply:
    """New text of a reply, and what the rules decide about it."""

    new: NewText = field(repr=False)
    decision: RuleDecision


def read_reply(event: InstantlyEvent, own: OwnSentences) -> ReadReply:
    """Return the new text of *event* and the decision of the rules. It never fails.

    Of a body that cannot be taken apart, the plain part is read whole: in doubt it is an opt-out.
    """
    try:
        new = extract_new_text(event.text, event.html, own)
        return ReadReply(new, decide_by_rules(new, event.subject, automatic=event.is_auto_reply))
    except Exception as error:  # noqa: BLE001 - whatever a person writes, an opt-out in it counts
        log.warning("reply_not_taken_apart", error=type(error).__name__)
    text = event.text[:MAX_READ_CHARACTERS]
    codes = find_opt_out(text)
    intent = RuleIntent.UNSUBSCRIBE if codes else RuleIntent.OTHER
    return ReadReply(NewText(text, truncated=True), RuleDecision(intent, codes, final=bool(codes)))
