"""The guides, followed to the letter in a copy of the repository on a PostgreSQL of their own, because they add a login role."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_services import start_postgres
from support.guides import GuidedCopy
from support.installation import SECRETS


@pytest.fixture
def copy(tmp_path: Path, kafka: str) -> Iterator[GuidedCopy]:
    """A copy of the repository, and a new PostgreSQL."""
    tmp_path.chmod(0o755)  # PostgreSQL runs as another user
    server = start_postgres(tmp_path / "postgres", fsync=False)
    environment = {
        "EQUITY_TEST_KAFKA": kafka,
        "EQUITY_TEST_POSTGRES": server.dsn,
        "DATABASE_DIRECT_URL": server.dsn,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        **SECRETS,
    }
    yield GuidedCopy(tmp_path / "copy", environment)
    server.kill()


GUIDES = (
    "adding-a-service.md",
    "adding-an-event.md",
    "adding-a-job.md",
    "adding-a-command.md",
    "adding-a-provider.md",
)


def test_the_guides_add_a_service_with_event_job_and_command_and_a_provider(copy: GuidedCopy) -> None:
    copy.follow(*GUIDES)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_guide_holds_before_the_next_one_is_followed(copy: GuidedCopy) -> None:
    for guide in GUIDES:
        copy.follow(guide)
