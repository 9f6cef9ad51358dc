"""Skiptrace killed with -9 during calls, also beside a second replica: no lead is lost, and the cost is bounded and known."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from support.installation import Installation, Spawned
from support.kill_points import with_kill_point
from support.verification import SkipTraceScenario, VerificationPipeline, providers_at, read_metric, url_of

pytestmark = pytest.mark.timeout(180)

MAX_LOST_RECORDS = 100
KILLS = 5
STEPS = ["before a paid call", "behind a paid call", "behind a kept answer", "before the offsets"]
LOST_RESPONSE, NOT_SENT = {"behind a paid call"}, {"before a paid call"}
"""Steps after which a paid response is lost, and after which no request was sent, which looks the same afterwards."""


@dataclass
class KilledReplicas:
    """The pipeline, and the replicas of skiptrace that a test kills."""

    pipeline: VerificationPipeline
    sandbox: Spawned
    scenario: SkipTraceScenario
    replicas: list[Spawned] = field(default_factory=list)

    async def spawn_skiptrace(self, **more: str) -> Spawned:
        settings = providers_at(url_of(self.sandbox), SKIPTRACE_ORDER="melissa", **more)
        self.replicas.append(await self.pipeline.installation.spawn("skiptrace", **settings))
        return self.replicas[-1]

    async def count_in_flight(self) -> int:
        """Return the records of open requests."""
        query = "select coalesce(sum(records), 0) from app.skip_trace_requests where outcome = 'asked'"
        return int(await self.pipeline.db.fetchval(query))


@pytest.fixture(scope="module")
def intake(shared_installation: Installation) -> Spawned:
    return asyncio.run(shared_installation.spawn("ingest", "recorder"))


@pytest.fixture
async def kills(
    pipeline: VerificationPipeline, intake: Spawned, sandbox: Spawned, scenario: SkipTraceScenario
) -> AsyncIterator[KilledReplicas]:
    kills = KilledReplicas(pipeline, sandbox, scenario)
    yield kills
    await asyncio.gather(*(asyncio.to_thread(replica.stop) for replica in kills.replicas))


async def assert_cost_is_known(kills: KilledReplicas) -> None:
    """Assert that only unknown records were charged twice, and that the request log has the real cost."""
    pipeline = kills.pipeline
    unknown = await pipeline.count_unknown("melissa")
    assert len(pipeline.households) <= await pipeline.count_charged("melissa") <= len(pipeline.households) + unknown
    cents = await pipeline.db.fetchval("select sum(cost_cents) from app.skip_trace_requests where outcome <> 'failed'")
    assert cents == 3 * (len(pipeline.households) + unknown)


async def test_a_kill_during_a_call_costs_one_batch_that_becomes_unknown(kills: KilledReplicas) -> None:
    pipeline = kills.pipeline
    await pipeline.vendors.add_fault("melissa", "slow", seconds=1.5, times=1)
    first = await kills.spawn_skiptrace(SKIPTRACE_UNKNOWN="pay_again")
    await pipeline.send(kills.scenario.pick_households(reachable=146, deceased=2, unknown=2))
    await pipeline.until("select exists (select from app.skip_trace_requests where outcome = 'asked')")
    await asyncio.sleep(0.5)
    first.kill()
    lost = await kills.count_in_flight()
    assert 0 < lost <= MAX_LOST_RECORDS
    await pipeline.end_leases()
    first.start()
    await pipeline.wait_for_expected_outcomes(60)
    assert await pipeline.count_unknown("melissa") == lost
    assert (
        sum((await pipeline.vendors.fetch_charges("melissa"))["charged_twice"].get("verify", {}).values()) == 2 * lost
    )
    await assert_cost_is_known(kills)
    assert await read_metric(first, "equity_skiptrace_cents_total", outcome="unknown") == 3 * lost
    assert await read_metric(first, "equity_skiptrace_records_total", outcome="unknown") == lost


async def test_after_a_kill_at_each_step_of_a_call_only_unstored_responses_are_paid_again(
    kills: KilledReplicas, tmp_path: Path
) -> None:
    """One kill after another: the next process finishes the leads and is killed at the next step."""
    pipeline = kills.pipeline
    replica = await kills.spawn_skiptrace(
        SKIPTRACE_UNKNOWN="pay_again", SKIPTRACE_BATCH="40", SKIPTRACE_CONSUMER_INSTANCES="1"
    )
    plain = replica.program
    replica.stop()
    for number, point in enumerate(STEPS):
        marker = tmp_path / f"killed{number}"
        replica.program = with_kill_point(plain, point, marker)
        await pipeline.send(kills.scenario.pick_households(reachable=50))
        replica.start()
        async with asyncio.timeout(60):
            while replica.alive:
                await asyncio.sleep(0.05)
        assert marker.exists(), point
        assert (await kills.count_in_flight() > 0) is (point in LOST_RESPONSE | NOT_SENT), point
        await pipeline.end_leases()
    replica.program = plain
    replica.start()
    await pipeline.wait_for_expected_outcomes(60)
    await assert_cost_is_known(kills)


@pytest.mark.slow
async def test_kills_at_random_moments_beside_a_second_replica_lose_at_most_the_records_in_flight(
    kills: KilledReplicas,
) -> None:
    """Each kill and each restart causes a rebalance during calls."""
    pipeline, seeded_random = kills.pipeline, random.Random(7)
    await pipeline.vendors.add_fault("melissa", "slow", seconds=0.4)
    settings = {"SKIPTRACE_UNKNOWN": "pay_again", "MELISSMAX_LOST_RECORDS": "20", "SKIPTRACE_BATCH": "100"}
    replicas = [await kills.spawn_skiptrace(**settings), await kills.spawn_skiptrace(**settings)]
    await pipeline.send(kills.scenario.pick_households(reachable=590, deceased=5, unknown=5))
    lost = 0
    for number in range(KILLS):
        await asyncio.sleep(seeded_random.uniform(0.2, 1.2))
        replicas[number % 2].kill()
        lost += MAX_LOST_RECORDS
        replicas[number % 2].start()
    await pipeline.wait_for_expected_outcomes(120)
    assert await pipeline.count_unknown("melissa") <= lost
    await assert_cost_is_known(kills)


async def test_a_stop_waits_for_the_responses_of_paid_calls(kills: KilledReplicas) -> None:
    pipeline = kills.pipeline
    await pipeline.vendors.add_fault("melissa", "slow", seconds=1)
    running = await kills.spawn_skiptrace()
    await pipeline.send(kills.scenario.pick_households(reachable=5))
    await pipeline.until("select exists (select from app.skip_trace_requests where outcome = 'asked')")
    assert await asyncio.to_thread(running.stop) == 0
    assert await pipeline.count("app.skip_trace_requests where outcome <> 'answered'") == 0
    running.start()
    await pipeline.wait_for_expected_outcomes()
    assert await pipeline.count_charged("melissa") == 5


async def test_a_lead_with_a_repeated_event_is_not_paid_again(kills: KilledReplicas) -> None:
    """The same events from the beginning, and a record that repeats the lead."""
    pipeline = kills.pipeline
    running = await kills.spawn_skiptrace()
    beginning = await load_end_offsets(pipeline.installation)
    households = kills.scenario.pick_households(reachable=18, deceased=1, unknown=1)
    await pipeline.send(households)
    await pipeline.wait_for_expected_outcomes()
    await pipeline.send_records([record | {"est_value": 500_000} for _, record in households.values()])
    await pipeline.until("select count(*) = 20 from app.leads where est_value = 500000")
    assert running.stop() == 0
    await pipeline.db.execute("truncate svc_skiptrace.inbox")
    await reset_offsets(pipeline.installation, beginning)
    running.start()
    await pipeline.until("select count(*) >= 40 from svc_skiptrace.inbox")
    assert await pipeline.count_charged("melissa") == 20
    await pipeline.wait_for_expected_outcomes()


def _member(installation: Installation) -> AIOKafkaConsumer:
    group = f"{installation.prefix}skiptrace.trace_owner"
    return AIOKafkaConsumer(bootstrap_servers=installation.kafka, group_id=group, enable_auto_commit=False)


async def load_end_offsets(installation: Installation) -> dict[TopicPartition, int]:
    """Return the offsets of the next events."""
    topic = f"{installation.prefix}funnel.dedupe_success"
    async with _member(installation) as consumer:
        partitions = (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic)
        return dict(await consumer.end_offsets([TopicPartition(topic, number) for number in partitions]))


async def reset_offsets(installation: Installation, offsets: dict[TopicPartition, int]) -> None:
    """Reset the offsets of the group, which has no members."""
    async with _member(installation) as consumer:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
