"""What the feeder's settings take."""

import pytest
from pydantic import ValidationError

from feeder.settings import FeederSettings


@pytest.mark.parametrize(
    "url", ["https://api.instantly.ai/api/v2", "https://api.instantly.ai/api/v2/", "https://proxy.example/i/api"]
)
def test_an_address_says_nothing_that_each_request_adds(url: str) -> None:
    with pytest.raises(ValidationError, match="leave out what comes from /api on"):
        FeederSettings(instantly_base_url=url)


@pytest.mark.parametrize("url", ["https://api.instantly.ai/", "http://[::1]:8090/instantly", "https://x.example/api/i"])
def test_an_address_may_have_a_path(url: str) -> None:
    assert FeederSettings(instantly_base_url=url).instantly_base_url == url
