"""Owners that are no persons are not fed, and a person without a plausible first name is greeted with the fallback."""

import pytest

from support.feeding import Feeder, Ranch
from support.instantly import Workspace


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("owner_last_name = 'Holt Family Trust'", "legal_entity"),
        ("owner_first_name = null, company_name = 'Acme LLC'", "legal_entity"),
        ("company_name = 'Acme', observed[9] = 100, observed[13] = 200", "legal_entity"),
        ("owner2_last_name = 'Holt Life Estate'", "legal_entity"),
        ("owner_last_name = 'Estate of Holt'", "deceased"),
        ("owner_last_name = 'DO NOT CONTACT'", "suppressed"),
    ],
)
async def test_who_must_not_be_contacted_by_the_owners_name_is_held(
    feeder: Feeder, ranch: Ranch, workspace: Workspace, change: str, reason: str
) -> None:
    broker = await ranch.broker()
    [lead] = await ranch.leads(broker, 1)
    await ranch.db.execute(f"update app.leads set {change} where id = $1", lead)
    await feeder.run("feed", "reconcile")
    assert await ranch.ask("select reason from app.feed_holds where lead_id = $1", lead) == [reason]
    assert not workspace.members


async def test_a_greeting_is_a_plausible_first_name_or_the_campaigns_fallback(
    feeder: Feeder, ranch: Ranch, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    names = ["MARY ANN", "{{first}}", None, "Unknown Owner", "Jose & Maria"]
    for lead, name in zip(await ranch.leads(broker, len(names)), names, strict=True):
        await ranch.db.execute("update app.leads set owner_first_name = $2 where id = $1", lead, name)
    await ranch.db.execute('update app.campaigns set settings = \'{"fallbacks": {"firstName": "neighbor"}}\'')
    await feeder.run("feed", "reconcile")
    greeted = sorted(member["first_name"] for member in workspace.members.values())
    assert greeted == ["Jose and Maria", "Mary Ann", "neighbor", "neighbor", "neighbor"]
