"""Events that a transaction publishes."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from common.bus.relay import decode_headers
from common.bus.tx import Tx
from common.events import CampaignAdded


@pytest.mark.parametrize(("ahead", "has_machine_time"), [(timedelta(days=3), True), (timedelta(days=-3), False)])
def test_no_message_has_a_future_time_if_the_business_clock_is_ahead(ahead: timedelta, has_machine_time: bool) -> None:
    tx = Tx(cast("Any", None), "feeder")
    event = CampaignAdded(
        lead_id=uuid4(), occurred_at=tx.now + ahead, campaign_id=uuid4(), local_date=datetime.now(UTC).date()
    )
    tx.emit(event)
    ((_, _, headers, body),) = tx._outgoing
    time = datetime.fromisoformat(dict(decode_headers(headers))["ce_time"].decode())
    assert time == (tx.now if has_machine_time else event.occurred_at)
    assert body is not None
    assert CampaignAdded.model_validate_json(body).occurred_at == event.occurred_at
