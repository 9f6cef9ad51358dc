"""Lag and progress of each assigned partition, whether or not the process ever handled a record of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from common import telemetry


@dataclass(slots=True)
class _Seen:
    position: int
    lag: int
    moved_at: float


class PartitionProgress:
    """Progress of one member of a consumer group."""

    def __init__(self, consumer: str, limit_seconds: float) -> None:
        self._consumer = consumer
        self._limit = limit_seconds
        self._seen: dict[TopicPartition, _Seen] = {}
        self.measured_at = 0.0
        """Monotonic time of the last measurement."""

    def update(self, measured: Mapping[TopicPartition, tuple[int, int]], now: float, *, waits: bool = False) -> None:
        """Note the (position, end) of each assigned partition at the monotonic time *now*.

        While the consumer *waits* on purpose, for a vendor or the database, no partition counts as stalled.
        """
        for place in self._seen.keys() - measured.keys():
            del self._seen[place]
            for gauge in _gauges():
                gauge.remove(**self._labels(place))
        for place, (position, end) in measured.items():
            before, lag = self._seen.get(place), max(end - position, 0)
            moved = before is None or before.position != position or lag == 0 or before.lag == 0 or waits
            self._seen[place] = _Seen(position, lag, now if moved or before is None else before.moved_at)
        self.measured_at = now
        self._publish()

    @property
    def lag(self) -> int:
        """Messages that are not handled yet."""
        return sum(seen.lag for seen in self._seen.values())

    @property
    def stalled(self) -> list[tuple[TopicPartition, float, int]]:
        """Partitions with lag that have not moved for longer than the limit: partition, seconds, lag."""
        return [
            (place, self.measured_at - seen.moved_at, seen.lag)
            for place, seen in sorted(self._seen.items())
            if seen.lag and self.measured_at - seen.moved_at > self._limit
        ]

    def _publish(self) -> None:
        lag, stalled = _gauges()
        for place, seen in self._seen.items():
            lag.set(seen.lag, **self._labels(place))
            stalled.set(self.measured_at - seen.moved_at if seen.lag else 0, **self._labels(place))

    def _labels(self, place: TopicPartition) -> dict[str, str]:
        return {"consumer": self._consumer, "topic": place.topic, "partition": str(place.partition)}


def _gauges() -> tuple[telemetry.Gauge, telemetry.Gauge]:
    return (
        telemetry.gauge("equity_consumer_lag_messages", "Messages of a partition that are not handled yet"),
        telemetry.gauge("equity_partition_stalled_seconds", "Time since a partition with lag last moved on"),
    )
