"""Order of the feed: highest score first, then the lower lead id.

The query `list_candidates` in this folder defines the order. Three other places keep it and must agree with it:

- the index `mv_contactable_leads_feed_idx`, so that the query reads the best leads without a sort;
- the feed, whose decisions and slots follow the query (`check_eligibility` keeps the order of its input);
- the preview, which shows leads in the same order.

`tests/integration/feeder/test_order.py` compares all of them. Change the order in the query and, by a migration, in the index.
"""

from collections.abc import Collection
from datetime import date

from common.database import Connection
from common.ids import BrokerId, LeadId
from feeder.daily_feed import queries


async def list_best_candidates(
    connection: Connection, broker_id: BrokerId, day: date, *, page_size: int, exclude: Collection[LeadId]
) -> list[LeadId]:
    """Return the broker's best leads of the candidate snapshot without a slot, in feed order, none of *exclude*.

    Leads that were already skipped on *day* are left out. The snapshot dates from 05:30: a lead may have changed since.
    """
    return await queries.list_candidates(
        connection, broker_id=broker_id, local_date=day, page_size=page_size, exclude=list(exclude)
    )
