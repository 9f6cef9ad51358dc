"""Lag and progress of partitions, at times that the test sets."""

from aiokafka import TopicPartition

from common.bus.progress import PartitionProgress

FIRST = TopicPartition("t", 0)
SECOND = TopicPartition("t", 1)


def new_progress() -> PartitionProgress:
    return PartitionProgress("test.consumer", limit_seconds=100)


def test_a_partition_with_lag_that_does_not_move_is_stalled_after_the_limit() -> None:
    progress = new_progress()
    progress.update({FIRST: (5, 9), SECOND: (5, 9)}, 0)
    progress.update({FIRST: (5, 9), SECOND: (6, 9)}, 100)
    assert progress.stalled == []
    progress.update({FIRST: (5, 12), SECOND: (6, 9)}, 101)
    assert progress.stalled == [(FIRST, 101, 7)]
    assert progress.lag == 10


def test_the_time_limit_begins_again_after_a_partition_caught_up() -> None:
    progress = new_progress()
    progress.update({FIRST: (5, 5)}, 0)
    progress.update({FIRST: (5, 5)}, 1_000)
    progress.update({FIRST: (5, 6)}, 1_010)
    progress.update({FIRST: (5, 6)}, 1_109)
    assert progress.stalled == []
    progress.update({FIRST: (5, 6)}, 1_111)
    assert progress.stalled == [(FIRST, 101, 1)]


def test_a_partition_of_another_member_is_not_measured() -> None:
    progress = new_progress()
    progress.update({FIRST: (0, 9)}, 0)
    progress.update({}, 50)
    progress.update({FIRST: (0, 9)}, 150)
    assert progress.stalled == []


def test_a_paused_consumer_is_not_stalled() -> None:
    progress = new_progress()
    progress.update({FIRST: (0, 9)}, 0)
    progress.update({FIRST: (0, 9)}, 500, is_paused=True)
    progress.update({FIRST: (0, 9)}, 590)
    assert progress.stalled == []
    progress.update({FIRST: (0, 9)}, 601)
    assert progress.stalled == [(FIRST, 101, 9)]
