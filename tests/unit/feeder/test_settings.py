"""Settings of the feeder: accepted and refused values."""

import pytest
from pydantic import ValidationError

from feeder.settings import FeederSettings


@pytest.mark.parametrize(
    "url", ["https://api.instantly.ai/api/v2", "https://api.instantly.ai/api/v2/", "https://proxy.example/i/api"]
)
def test_the_base_url_must_not_contain_the_path_that_each_request_adds(url: str) -> None:
    with pytest.raises(ValidationError, match="the URL must end before /api"):
        FeederSettings(instantly_base_url=url)


@pytest.mark.parametrize("url", ["https://api.instantly.ai/", "http://[::1]:8090/instantly", "https://x.example/api/i"])
def test_the_base_url_may_have_a_path(url: str) -> None:
    assert FeederSettings(instantly_base_url=url).instantly_base_url == url
