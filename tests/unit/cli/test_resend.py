"""What `equity uploads resend` does, by an upload's state and age."""

import pytest

from cli.commands.uploads import Resend, State, resend_action


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State.RECEIVED, Resend.UNDER_WAY),
        (State.PUBLISHING, Resend.UNDER_WAY),
        (State.ACCOUNTED, Resend.RESENT),
        (State.FAILED, Resend.RESENT),
        (State.NEEDS_RESEND, Resend.NEEDS_FILE),
        (State.DONE, Resend.DONE),
    ],
)
def test_the_state_decides(state: State, action: Resend) -> None:
    assert resend_action(state, is_too_old=False) is action


@pytest.mark.parametrize("state", [State.ACCOUNTED, State.FAILED, State.NEEDS_RESEND])
def test_an_old_upload_has_to_come_again_as_a_new_one(state: State) -> None:
    assert resend_action(state, is_too_old=True) is Resend.TOO_OLD


def test_an_old_upload_that_is_done_stays_done() -> None:
    assert resend_action(State.DONE, is_too_old=True) is Resend.DONE
