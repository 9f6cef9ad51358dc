"""Assignment of leads to a broker's campaigns by their id."""

from collections import Counter
from random import Random
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from feeder.daily_feed.campaign_assignment import assign_campaign


@given(st.uuids(), st.lists(st.uuids(), min_size=1, max_size=45, unique=True), st.randoms())
def test_the_order_of_campaigns_does_not_matter(lead: UUID, campaigns: list[UUID], random: Random) -> None:
    shuffled = list(campaigns)
    random.shuffle(shuffled)
    assert assign_campaign(lead, shuffled) == assign_campaign(lead, campaigns)


@given(st.uuids(), st.lists(st.uuids(), min_size=2, max_size=45, unique=True))
def test_a_removed_campaign_moves_only_its_own_leads(lead: UUID, campaigns: list[UUID]) -> None:
    chosen = assign_campaign(lead, campaigns)
    gone = next(campaign for campaign in campaigns if campaign != chosen)
    assert assign_campaign(lead, [campaign for campaign in campaigns if campaign != gone]) == chosen


def test_forty_five_campaigns_get_even_shares() -> None:
    campaigns = [uuid4() for _ in range(45)]
    shares = Counter(assign_campaign(uuid4(), campaigns) for _ in range(45 * 400))
    assert len(shares) == 45
    assert 280 < min(shares.values()) <= max(shares.values()) < 520


def test_the_assignment_is_the_same_in_every_release() -> None:
    campaigns = [UUID(int=number) for number in range(1, 6)]
    chosen = [campaigns.index(assign_campaign(UUID(int=number), campaigns)) for number in range(12)]
    assert chosen == [2, 1, 3, 2, 2, 4, 3, 3, 4, 1, 1, 0]
