"""Owner names: legal entities are not fed, and an implausible first name is replaced by the fallback."""

import pytest

from support.feeding import Feeder, FeedFixture
from support.instantly import FakeWorkspace


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("owner_last_name = 'Holt Family Trust'", "legal_entity"),
        ("owner_first_name = null, company_name = 'Acme LLC'", "legal_entity"),
        ("company_name = 'Acme', stamp = 100, observed = '{\"company_name\": 200}'", "legal_entity"),
        ("owner2_last_name = 'Holt Life Estate'", "legal_entity"),
        ("owner_last_name = 'Estate of Holt'", "deceased"),
        ("owner_last_name = 'DO NOT CONTACT'", "suppressed"),
    ],
)
async def test_a_lead_whose_owner_name_forbids_contact_is_skipped(
    feeder: Feeder, feed_data: FeedFixture, workspace: FakeWorkspace, change: str, reason: str
) -> None:
    broker = await feed_data.add_broker()
    [lead] = await feed_data.add_leads(broker, 1)
    await feed_data.db.execute(f"update app.leads set {change} where id = $1", lead)
    await feeder.run_jobs("feed", "reconcile")
    assert await feed_data.select_column("select reason from app.feed_skips where lead_id = $1", lead) == [reason]
    assert not workspace.members


async def test_a_greeting_is_a_plausible_first_name_or_the_campaigns_fallback(
    feeder: Feeder, feed_data: FeedFixture, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    names = ["MARY ANN", "{{first}}", None, "Unknown Owner", "Jose & Maria"]
    for lead, name in zip(await feed_data.add_leads(broker, len(names)), names, strict=True):
        await feed_data.db.execute("update app.leads set owner_first_name = $2 where id = $1", lead, name)
    await feed_data.db.execute('update app.campaigns set settings = \'{"fallbacks": {"firstName": "neighbor"}}\'')
    await feeder.run_jobs("feed", "reconcile")
    greeted = sorted(member["first_name"] for member in workspace.members.values())
    assert greeted == ["Jose and Maria", "Mary Ann", "neighbor", "neighbor", "neighbor"]
