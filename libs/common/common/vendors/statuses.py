"""HTTP statuses after which a vendor may have executed and charged the request, for all vendors (docs/hazards.md, S34).

A proxy returns them when the server behind it did not respond in time or closed the connection. So the server may have
received, executed and charged the request. docs/delivery.md has the table of all outcomes ("What a failed HTTP call may have
cost").
"""

POSSIBLY_EXECUTED_STATUSES = frozenset({502, 504, 520, 522, 524, 598, 599})
"""Statuses with an unknown outcome.

502 and 504: RFC 9110. 520, 522 and 524: Cloudflare (unknown error, connection timeout, timeout). 598 and 599: proxy timeouts.
"""
