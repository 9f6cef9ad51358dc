"""BatchData's asynchronous skip trace: an answer at once, the document later to a URL (contracts §5.3)."""

from sandbox.deliveries import Deliveries
from sandbox.vendor import Answer, Call, RefusedError, Vendor
from sandbox.vendors.batchdata.tracing import OK, Tracing


class Callbacks:
    """Takes requests and delivers their document, unsigned, as BatchData does."""

    def __init__(self, vendor: Vendor, tracing: Tracing, deliveries: Deliveries) -> None:
        self._vendor = vendor
        self._tracing = tracing
        self._deliveries = deliveries

    async def answer(self, call: Call) -> Answer:
        """`POST /api/v1/property/skip-trace/async`."""
        requests, options = self._tracing.requests(call)
        url = options.get("webhookUrl")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise RefusedError(self._vendor.error(400, "options.webhookUrl is required"))
        document = self._tracing.trace_v1(call, requests, options)
        times = 0 if call.fault("callback_lost") else 2 if call.fault("callback_twice") else 1
        for _ in range(times):
            self._deliveries.send(url, document)
        return Answer({"status": OK})
