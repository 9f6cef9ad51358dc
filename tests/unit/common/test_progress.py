"""Lag and progress of partitions, at times that the test gives."""

from aiokafka import TopicPartition

from common.bus.progress import PartitionProgress

PLACE = TopicPartition("t", 0)
OTHER = TopicPartition("t", 1)


def progress() -> PartitionProgress:
    return PartitionProgress("test.consumer", limit_seconds=100)


def test_a_partition_with_lag_that_does_not_move_is_stalled_after_the_limit() -> None:
    watched = progress()
    watched.update({PLACE: (5, 9), OTHER: (5, 9)}, 0)
    watched.update({PLACE: (5, 9), OTHER: (6, 9)}, 100)
    assert watched.stalled == []
    watched.update({PLACE: (5, 12), OTHER: (6, 9)}, 101)
    assert watched.stalled == [(PLACE, 101, 7)]
    assert watched.lag == 10


def test_a_partition_that_caught_up_has_its_time_anew() -> None:
    watched = progress()
    watched.update({PLACE: (5, 5)}, 0)
    watched.update({PLACE: (5, 5)}, 1_000)
    watched.update({PLACE: (5, 6)}, 1_010)
    watched.update({PLACE: (5, 6)}, 1_109)
    assert watched.stalled == []
    watched.update({PLACE: (5, 6)}, 1_111)
    assert watched.stalled == [(PLACE, 101, 1)]


def test_a_partition_that_went_to_another_member_is_forgotten() -> None:
    watched = progress()
    watched.update({PLACE: (0, 9)}, 0)
    watched.update({}, 50)
    watched.update({PLACE: (0, 9)}, 150)
    assert watched.stalled == []


def test_a_consumer_that_waits_on_purpose_is_not_stalled() -> None:
    watched = progress()
    watched.update({PLACE: (0, 9)}, 0)
    watched.update({PLACE: (0, 9)}, 500, waits=True)
    watched.update({PLACE: (0, 9)}, 590)
    assert watched.stalled == []
    watched.update({PLACE: (0, 9)}, 601)
    assert watched.stalled == [(PLACE, 101, 9)]
