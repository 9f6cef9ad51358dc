"""Which email a reply is: no reply is taken in twice, none is lost, whatever the ids name."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from replies.reconciliation.identity import ListedEmail, NotedReply, pair_replies

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
YES, NO = b"yes", b"no"


def reply(number: int, minutes: float, named: str | None, text: bytes | None = YES) -> NotedReply:
    return NotedReply(UUID(int=number), NOON + timedelta(minutes=minutes), named, text)


def email(name: str, minutes: float, text: bytes | None = YES) -> ListedEmail:
    return ListedEmail(name, NOON + timedelta(minutes=minutes), text)


def test_an_id_and_equal_words_are_the_same_reply_at_any_time() -> None:
    assert pair_replies([reply(1, 600, "a")], [email("a", 0)]) == {"a": UUID(int=1)}


def test_equal_words_at_the_same_time_are_the_same_reply_although_the_id_names_our_email() -> None:
    assert pair_replies([reply(1, 1, "ours")], [email("a", 0)]) == {"a": UUID(int=1)}


def test_equal_words_at_another_time_are_another_reply() -> None:
    assert pair_replies([reply(1, 31, "ours")], [email("a", 0)]) == {}


def test_other_words_are_another_reply() -> None:
    assert pair_replies([reply(1, 0, "ours", NO)], [email("a", 0, YES)]) == {}


def test_an_id_of_another_received_email_is_another_reply() -> None:
    assert pair_replies([reply(1, 0, "b")], [email("a", 0), email("b", 0)]) == {"b": UUID(int=1)}


def test_two_equal_replies_with_one_id_are_paired_by_time() -> None:
    replies = [reply(1, 0.1, "ours"), reply(2, 5.1, "ours")]
    assert pair_replies(replies, [email("a", 0), email("b", 5)]) == {"a": UUID(int=1), "b": UUID(int=2)}


def test_of_two_equal_emails_with_one_webhook_one_stays_without_a_reply() -> None:
    assert pair_replies([reply(1, 5.1, "ours")], [email("a", 0), email("b", 5)]) == {"b": UUID(int=1)}


def test_a_stub_belongs_to_the_email_of_its_moment() -> None:
    emails = [email("a", 0), email("b", 10)]
    assert pair_replies([reply(1, 10.5, "ours", None)], emails) == {"b": UUID(int=1)}
    assert pair_replies([reply(1, 5, "ours", None)], emails) == {}


NAMES = st.sampled_from(["a", "b", "c", "ours", None])
REPLIES = st.lists(st.tuples(st.floats(-60, 60), NAMES, st.sampled_from([YES, NO, None])), max_size=5).map(
    lambda rows: [reply(number, *row) for number, row in enumerate(rows)]
)
EMAILS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.tuples(st.floats(-60, 60), st.sampled_from([YES, NO]))
).map(lambda rows: [email(name, *row) for name, row in rows.items()])


@given(REPLIES, EMAILS)
def test_each_reply_and_each_email_is_in_one_pair_at_most(replies: list[NotedReply], emails: list[ListedEmail]) -> None:
    pairs = pair_replies(replies, emails)
    assert len(set(pairs.values())) == len(pairs)
    assert set(pairs) <= {one.id for one in emails}


@given(REPLIES, EMAILS, st.randoms())
def test_the_order_of_the_lists_changes_nothing(
    replies: list[NotedReply], emails: list[ListedEmail], random: object
) -> None:
    pairs = pair_replies(replies, emails)
    random.shuffle(replies)  # type: ignore[attr-defined]
    random.shuffle(emails)  # type: ignore[attr-defined]
    assert pair_replies(replies, emails) == pairs


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([YES, NO])), unique_by=lambda row: row[0], max_size=6),
    NAMES,
)
def test_every_email_with_a_prompt_webhook_finds_its_reply(rows: list[tuple[int, bytes]], named: str | None) -> None:
    """Webhooks come within a second, and all name one email of ours."""
    emails = [email(f"e{number}", minutes, text) for number, (minutes, text) in enumerate(rows)]
    replies = [reply(number, minutes + 0.01, "ours", text) for number, (minutes, text) in enumerate(rows)]
    assert pair_replies(replies, emails) == {f"e{number}": UUID(int=number) for number in range(len(rows))}
