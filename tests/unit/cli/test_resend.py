"""Actions of `equity uploads resend`, by an upload's state and age."""

import pytest

from gateway.commands.uploads import ResendAction, UploadState, choose_resend_action


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (UploadState.RECEIVED, ResendAction.UNDER_WAY),
        (UploadState.PUBLISHING, ResendAction.UNDER_WAY),
        (UploadState.ACCOUNTED, ResendAction.RESENT),
        (UploadState.FAILED, ResendAction.RESENT),
        (UploadState.NEEDS_RESEND, ResendAction.NEEDS_FILE),
        (UploadState.DONE, ResendAction.DONE),
    ],
)
def test_the_state_decides(state: UploadState, action: ResendAction) -> None:
    assert choose_resend_action(state, is_too_old=False) is action


@pytest.mark.parametrize("state", [UploadState.ACCOUNTED, UploadState.FAILED, UploadState.NEEDS_RESEND])
def test_an_old_upload_has_to_come_again_as_a_new_one(state: UploadState) -> None:
    assert choose_resend_action(state, is_too_old=True) is ResendAction.TOO_OLD


def test_an_old_upload_that_is_done_stays_done() -> None:
    assert choose_resend_action(UploadState.DONE, is_too_old=True) is ResendAction.DONE
