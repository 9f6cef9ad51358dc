"""BatchData's asynchronous calls: an answer at once, the document later to a URL (contracts §5.3, §5.4)."""

from collections.abc import Awaitable, Callable

from sandbox.deliveries import Deliveries
from sandbox.vendor import Answer, Call, RefusedError, Vendor, json_object

Answering = Callable[[Call], Awaitable[Answer]]
OK = {"code": 200, "text": "OK"}
FAULTS = ("callback_twice", "callback_lost")


class Callbacks:
    """Takes requests and delivers their document, unsigned, as BatchData does."""

    def __init__(self, vendor: Vendor, deliveries: Deliveries) -> None:
        self._vendor = vendor
        self._deliveries = deliveries

    def later(self, answering: Answering) -> Answering:
        """What *answering* answers at once, delivered to `options.webhookUrl` instead."""

        async def answer(call: Call) -> Answer:
            url = self._url(call)
            return self._deliver(call, url, await answering(call))

        return answer

    def _url(self, call: Call) -> str:
        options = json_object(self._vendor, call.body).get("options")
        url = options.get("webhookUrl") if isinstance(options, dict) else None
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise RefusedError(self._vendor.error(400, "options.webhookUrl is required"))
        return url

    def _deliver(self, call: Call, url: str, document: Answer) -> Answer:
        times = 0 if call.fault("callback_lost") else 2 if call.fault("callback_twice") else 1
        for _ in range(times):
            self._deliveries.send(url, document.body)
        return Answer({"status": OK})
