"""Shipped emails: each is true for every owner, names its sender, and says how to stop it (15 U.S.C. 7704(a), 12 U.S.C. 5531)."""

import html
import re
from uuid import UUID

import pytest

from common.ids import BrokerId
from feeder.campaign_file.reader import DEFAULT_FILE, read_campaign_file
from feeder.campaign_file.rows import CampaignRow, make_campaign_rows

ADDRESS = "1 Test Street, Tampa, FL 33602"
ROWS = make_campaign_rows(read_campaign_file(DEFAULT_FILE), ADDRESS, {"Dana Ruiz": BrokerId(UUID(int=1))})
FORBIDDEN = {
    "a claim about what we did or know": r"looked up|checked|researched|noticed|stood out|we know|we found|our estimate",
    "a claim about other people": r"neighbou?rs?|other owners|an owner not unlike|most (?:owners|people)|many owners|asked me",
    "a claim about the home or its owner": r"paid down|has risen|changed in value|holds a good part|qualif|approved|eligible|selected",
    "a number that no source gives": r"[$%]|\d+ ?percent|\bminutes\b",
    "urgency": r"last chance|hurry|urgent|act now|limited|expires?|deadline|today only|too late|final notice|running out",
    "a promise": r"guarantee|risk|free of charge|no costs?|best rate|lowest|save (?:money|thousands)|cash|instant",
    "a licensed or official title": r"advis[eo]r|officer|originator|mortgage|lender|bank|broker\b|agent|realtor|attorney|lawyer|counsel",
    "a claim of expertise": r"specialist|expert|consultant|underwriter|department|government|federal",
    "an answer to a message that was never sent": r"^re:|^fwd?:|as (?:discussed|promised|requested)|following up",
}


def list_texts(row: CampaignRow) -> list[tuple[str, str]]:
    """Return subject and body of each email without markup."""
    return [
        (step["subject"], " ".join(html.unescape(re.sub(r"<[^>]*>", " ", step["body"])).split()))
        for step in row.sequence
    ]


@pytest.mark.parametrize("claim", FORBIDDEN)
def test_no_email_and_no_sender_makes_a_claim_that_may_be_untrue(claim: str) -> None:
    for row in ROWS:
        for subject, body in list_texts(row):
            for text in (subject, body.replace(ADDRESS, "")):
                prose = re.sub(r"\{\{\w+\}\}", "", text)
                found = re.findall(FORBIDDEN[claim], prose, re.IGNORECASE)
                assert found == [], f"{claim}: {text!r}"


def test_every_email_says_who_sends_it_where_from_that_it_is_an_advertisement_and_how_to_stop_it() -> None:
    for row in ROWS:
        for _, body in list_texts(row):
            sender = re.search(
                r"(\w+), [a-z ]+ for \{\{broker_name\}\} This is an advertisement of \{\{broker_name\}\}\. ", body
            )
            assert sender is not None, body
            assert row.name.endswith(sender[1])
            assert body.endswith(f"{ADDRESS} Do not write to me again , or answer STOP.")


def test_only_the_last_email_says_that_it_is_the_last() -> None:
    for row in ROWS:
        says = ["last" in f"{subject} {body}".split() for subject, body in list_texts(row)]
        assert says == [False] * (len(says) - 1) + [True]


@pytest.mark.parametrize(
    "text",
    [
        "I looked up homes like yours this week, and one number stood out.",
        "Neighbours of yours have asked me the same question lately.",
        "Here is something that many owners hear too late.",
        "I write to owners who have paid down most of their home.",
        "Carlos, mortgage adviser for Dana Ruiz",
        "By our estimate your home holds a good part of its value as equity.",
        "She had her answers in one call of twenty minutes.",
    ],
)
def test_the_former_claims_are_recognised(text: str) -> None:
    assert any(re.search(pattern, text, re.IGNORECASE) for pattern in FORBIDDEN.values())
