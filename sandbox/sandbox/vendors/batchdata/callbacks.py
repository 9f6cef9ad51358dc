"""BatchData's asynchronous calls: an immediate acknowledgement, and the result later at the caller's URL.

The callback is not signed.
"""

from collections.abc import Awaitable, Callable

from sandbox.deliveries import OutgoingDeliveries
from sandbox.vendor_server import VendorCall, VendorRefusalError, VendorResponse, VendorServer, parse_json_object

Respond = Callable[[VendorCall], Awaitable[VendorResponse]]
STATUS_OK = {"code": 200, "text": "OK"}
CALLBACK_FAULTS = ("callback_twice", "callback_lost")


class ResultCallbacks:
    """Wrapper that turns a synchronous operation into one that delivers its result to a URL."""

    def __init__(self, vendor: VendorServer, deliveries: OutgoingDeliveries) -> None:
        self._vendor = vendor
        self._deliveries = deliveries

    def make_asynchronous(self, respond: Respond) -> Respond:
        """Return an operation that delivers the result of *respond* to `options.webhookUrl`."""

        async def acknowledge(call: VendorCall) -> VendorResponse:
            url = self._callback_url(call)
            return self._deliver_result(call, url, await respond(call))

        return acknowledge

    def _callback_url(self, call: VendorCall) -> str:
        options = parse_json_object(self._vendor, call.body).get("options")
        url = options.get("webhookUrl") if isinstance(options, dict) else None
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise VendorRefusalError(self._vendor.error_response(400, "options.webhookUrl is required"))
        return url

    def _deliver_result(self, call: VendorCall, url: str, result: VendorResponse) -> VendorResponse:
        times = 0 if call.find_fault("callback_lost") else 2 if call.find_fault("callback_twice") else 1
        for _ in range(times):
            self._deliveries.start_delivery(url, result.body)
        return VendorResponse({"status": STATUS_OK})
