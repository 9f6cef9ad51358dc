"""`equity campaigns sync` on the database alone: what it writes is what the feeder brings to Instantly."""

from support.commandline import Equity

ADDRESS = {"POSTAL_ADDRESS": "1 Test Street, Tampa, FL 33602"}


def test_campaigns_of_a_disabled_broker_are_not_retired_and_go_on_with_the_broker(equity: Equity) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    assert equity("campaigns", "sync", "--json", **ADDRESS).ok().json["created"] == 45
    equity("brokers", "disable", "Dana Ruiz").ok()
    assert equity("campaigns", "sync", "--retire", "--json", **ADDRESS).ok().json["retired"] == 0
    equity("brokers", "enable", "Dana Ruiz").ok()
    listed = equity("campaigns", "list", "--json").ok().json
    assert [row["active"] for row in listed] == [True] * 45
