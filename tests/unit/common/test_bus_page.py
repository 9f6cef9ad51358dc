"""docs/bus.md shows the subscriber that `bus.on` creates, with the options of the code."""

import re
from pathlib import Path

from faststream import AckPolicy

from common.bus import subscriber_options
from common.bus.raw_records import raw_decoder, raw_parser
from common.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "bus.md"


def test_the_page_shows_every_option_with_its_value() -> None:
    code = re.search(r"@bus\.broker\.subscriber\((.*?)\n\)", PAGE.read_text(), re.DOTALL)
    assert code
    arguments = re.sub(r"#.*", "", code.group(1))
    shown = eval(  # noqa: S307 - our own page
        f"dict({arguments.split(',', 1)[1]})",
        {
            "AckPolicy": AckPolicy,
            "raw_parser": raw_parser,
            "raw_decoder": raw_decoder,
            "consumer_instance": "consumer_instance",
        },
    )
    assert shown.pop("group_id") == "skiptrace.trace_owner"
    assert shown.pop("listener") == "consumer_instance"
    assert shown == subscriber_options(Settings())
