"""Lag and progress of each assigned partition, whether or not the process ever handled a record of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from common import telemetry


@dataclass(slots=True)
class _PartitionState:
    position: int
    lag: int
    moved_at: float


class PartitionProgress:
    """Progress of one member of a consumer group in its partitions."""

    def __init__(self, consumer: str, limit_seconds: float) -> None:
        self._consumer = consumer
        self._limit_seconds = limit_seconds
        self._states: dict[TopicPartition, _PartitionState] = {}
        self.measured_at = 0.0
        """Monotonic time of the last measurement."""

    def update(
        self, measured: Mapping[TopicPartition, tuple[int, int]], now: float, *, is_paused: bool = False
    ) -> None:
        """Store the (position, end) of each assigned partition at the monotonic time *now*.

        While the consumer is paused on purpose, for a vendor or the database, no partition counts as stalled.
        """
        for partition in self._states.keys() - measured.keys():
            del self._states[partition]
            for gauge in _gauges():
                gauge.remove(**self._labels(partition))
        for partition, (position, end) in measured.items():
            before, lag = self._states.get(partition), max(end - position, 0)
            has_moved = before is None or before.position != position or lag == 0 or before.lag == 0 or is_paused
            moved_at = now if has_moved or before is None else before.moved_at
            self._states[partition] = _PartitionState(position, lag, moved_at)
        self.measured_at = now
        self._publish_gauges()

    @property
    def lag(self) -> int:
        """Number of messages that are not handled yet."""
        return sum(state.lag for state in self._states.values())

    @property
    def stalled(self) -> list[tuple[TopicPartition, float, int]]:
        """Partitions with lag and no progress for longer than the limit: partition, seconds, lag."""
        return [
            (partition, self.measured_at - state.moved_at, state.lag)
            for partition, state in sorted(self._states.items())
            if state.lag and self.measured_at - state.moved_at > self._limit_seconds
        ]

    def _publish_gauges(self) -> None:
        lag, stalled = _gauges()
        for partition, state in self._states.items():
            lag.set(state.lag, **self._labels(partition))
            stalled.set(self.measured_at - state.moved_at if state.lag else 0, **self._labels(partition))

    def _labels(self, partition: TopicPartition) -> dict[str, str]:
        return {"consumer": self._consumer, "topic": partition.topic, "partition": str(partition.partition)}


def _gauges() -> tuple[telemetry.Gauge, telemetry.Gauge]:
    return (
        telemetry.gauge("equity_consumer_lag_messages", "Messages of a partition that are not handled yet"),
        telemetry.gauge("equity_partition_stalled_seconds", "Time since the last progress of a partition with lag"),
    )
