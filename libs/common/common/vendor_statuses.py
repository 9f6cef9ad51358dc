"""The HTTP statuses after which the work may have been done, for every vendor alike (hazard S34).

A proxy in between answers these when the server behind it did not answer in time or cut the connection: the request may have
arrived, been done and been charged. After any other failure the request was not done.
"""

MAY_HAVE_BEEN_DONE = frozenset({502, 504, 520, 522, 524, 598, 599})
"""502 and 504: RFC 9110; 520, 522 and 524: Cloudflare (unknown error, no acknowledgement, timeout); 598 and 599: timeouts of proxies."""
