"""Skiptrace killed with -9 in mid-call, again and again, beside a second replica: nobody lost, the price of it bounded and known."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from support.installation import Installation, Spawned
from support.verification import Casting, Line, metric, providers_at, url_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

A_BATCH = 100
STEPS = ["before a paid call", "behind a paid call", "behind a kept answer", "before the offsets"]
IN_VAIN, UNSENT = {"behind a paid call"}, {"before a paid call"}
"""Where an answer that was paid for is lost, and where nobody can know that there is none."""


@dataclass
class Scene:
    """The line, and the replica of skiptrace that will die."""

    line: Line
    sandbox: Spawned
    casting: Casting
    replicas: list[Spawned] = field(default_factory=list)

    async def skiptrace(self, **more: str) -> Spawned:
        settings = providers_at(url_of(self.sandbox), SKIPTRACE_ORDER="melissa", **more)
        self.replicas.append(await self.line.installation.spawn("skiptrace", **settings))
        return self.replicas[-1]

    async def asked(self) -> int:
        """Records about which a call is under way."""
        query = "select coalesce(sum(records), 0) from app.skip_trace_requests where outcome = 'asked'"
        return int(await self.line.db.fetchval(query))


@pytest.fixture(scope="module")
def intake(place: Installation) -> Spawned:
    return asyncio.run(place.spawn("ingest", "recorder"))


@pytest.fixture
async def scene(line: Line, intake: Spawned, sandbox: Spawned, casting: Casting) -> AsyncIterator[Scene]:
    scene = Scene(line, sandbox, casting)
    yield scene
    await asyncio.gather(*(asyncio.to_thread(replica.stop) for replica in scene.replicas))


async def assert_the_price_is_known(scene: Scene) -> None:
    """Paid more than once is at most what the ledger calls unknown, and what it says it cost is what it cost."""
    line = scene.line
    unknown = await line.unknown("melissa")
    assert len(line.cast) <= await line.paid("melissa") <= len(line.cast) + unknown
    cents = await line.db.fetchval("select sum(cost_cents) from app.skip_trace_requests where outcome <> 'failed'")
    assert cents == 3 * (len(line.cast) + unknown)


async def test_killed_while_the_vendor_works_it_costs_one_batch_that_is_called_unknown(scene: Scene) -> None:
    line = scene.line
    await line.vendors.add_fault("melissa", "slow", seconds=1.5, times=1)
    first = await scene.skiptrace(SKIPTRACE_UNKNOWN="pay_again")
    await line.send(scene.casting.cast(good=146, dead=2, nobody=2))
    await line.until("select exists (select from app.skip_trace_requests where outcome = 'asked')")
    await asyncio.sleep(0.5)
    first.kill()
    lost = await scene.asked()
    assert 0 < lost <= A_BATCH
    await line.time_passes()
    first.start()
    await line.all_end_well(60)
    assert await line.unknown("melissa") == lost
    assert sum((await line.vendors.fetch_charges("melissa"))["paid_again"].get("verify", {}).values()) == 2 * lost
    await assert_the_price_is_known(scene)
    assert await metric(first, "equity_skiptrace_cents_total", outcome="unknown") == 3 * lost
    assert await metric(first, "equity_skiptrace_records_total", outcome="unknown") == lost


async def test_killed_at_each_step_of_a_call_only_an_answer_that_was_not_stored_is_paid_again(
    scene: Scene, tmp_path: Path
) -> None:
    """One death after another: its successor finishes the leads and dies at the next step."""
    line = scene.line
    victim = await scene.skiptrace(SKIPTRACE_UNKNOWN="pay_again", SKIPTRACE_BATCH="40", SKIPTRACE_LANES="1")
    plain = victim.program
    victim.stop()
    for number, point in enumerate(STEPS):
        marker = tmp_path / f"died{number}"
        victim.program = f"from support.crash import arm; arm({point!r}, {str(marker)!r}); {plain}"
        await line.send(scene.casting.cast(good=50))
        victim.start()
        async with asyncio.timeout(60):
            while victim.alive:
                await asyncio.sleep(0.05)
        assert marker.exists(), point
        assert (await scene.asked() > 0) is (point in IN_VAIN | UNSENT), point
        await line.time_passes()
    victim.program = plain
    victim.start()
    await line.all_end_well(60)
    await assert_the_price_is_known(scene)


async def test_killed_at_random_moments_beside_a_second_replica_with_hundreds_in_flight(scene: Scene) -> None:
    """A rebalance in mid-call comes with each kill, and with each return."""
    line, chance, kills = scene.line, random.Random(7), 5
    await line.vendors.add_fault("melissa", "slow", seconds=0.4)
    settings = {"SKIPTRACE_UNKNOWN": "pay_again", "MELISSA_BATCH": "20", "SKIPTRACE_BATCH": "100"}
    replicas = [await scene.skiptrace(**settings), await scene.skiptrace(**settings)]
    await line.send(scene.casting.cast(good=590, dead=5, nobody=5))
    lost = 0
    for number in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        replicas[number % 2].kill()
        lost += A_BATCH
        replicas[number % 2].start()
    await line.all_end_well(120)
    assert await line.unknown("melissa") <= lost
    await assert_the_price_is_known(scene)


async def test_asked_to_stop_it_waits_for_the_answer_that_it_pays_for(scene: Scene) -> None:
    line = scene.line
    await line.vendors.add_fault("melissa", "slow", seconds=1)
    running = await scene.skiptrace()
    await line.send(scene.casting.cast(good=5))
    await line.until("select exists (select from app.skip_trace_requests where outcome = 'asked')")
    assert await asyncio.to_thread(running.stop) == 0
    assert await line.count("app.skip_trace_requests where outcome <> 'answered'") == 0
    running.start()
    await line.all_end_well()
    assert await line.paid("melissa") == 5


async def test_a_lead_whose_event_comes_again_is_not_paid_again(scene: Scene) -> None:
    """The same events from the beginning, and a record that says the lead anew."""
    line = scene.line
    running = await scene.skiptrace()
    beginning = await ends_of_the_events(line.installation)
    cast = scene.casting.cast(good=18, dead=1, nobody=1)
    await line.send(cast)
    await line.all_end_well()
    await line.send_records([record | {"est_value": 500_000} for _, record in cast.values()])
    await line.until("select count(*) = 20 from app.leads where est_value = 500000")
    assert running.stop() == 0
    await line.db.execute("truncate svc_skiptrace.inbox")
    await set_back(line.installation, beginning)
    running.start()
    await line.until("select count(*) >= 40 from svc_skiptrace.inbox")
    assert await line.paid("melissa") == 20
    await line.all_end_well()


def _member(installation: Installation) -> AIOKafkaConsumer:
    group = f"{installation.prefix}skiptrace.trace_owner"
    return AIOKafkaConsumer(bootstrap_servers=installation.kafka, group_id=group, enable_auto_commit=False)


async def ends_of_the_events(installation: Installation) -> dict[TopicPartition, int]:
    """Behind which offsets the next events will lie."""
    topic = f"{installation.prefix}funnel.dedupe_success"
    async with _member(installation) as consumer:
        partitions = (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic)
        return dict(await consumer.end_offsets([TopicPartition(topic, number) for number in partitions]))


async def set_back(installation: Installation, offsets: dict[TopicPartition, int]) -> None:
    """Set the group back, which nobody is a member of."""
    async with _member(installation) as consumer:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
