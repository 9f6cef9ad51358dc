"""OTLP/HTTP receiver on loopback, in place of an OpenTelemetry collector."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """Received span with the service that sent it."""

    service: str
    span: Any

    @property
    def id(self) -> str:
        """Span id, in the form of a traceparent."""
        return str(self.span.span_id.hex())

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the span."""
        return _plain(self.span.attributes)


@dataclass
class Receiver:
    """Receiver that stores spans and metrics. While *silent* it accepts requests without a response."""

    url: str = ""
    silent: bool = False
    bodies: list[bytes] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)
    metrics: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    """Attributes of the points, by service and metric name."""

    async def handle_export(self, request: web.Request) -> web.Response:
        """Store the spans or metrics of one request."""
        body = await request.read()
        self.bodies.append(body)
        while self.silent:
            await asyncio.sleep(0.05)
        if request.path == "/v1/traces":
            self.spans += _spans(body)
        else:
            for service, metric in _metrics(body):
                self.metrics.setdefault((service, metric.name), []).extend(_points(metric))
        return web.Response(content_type="application/x-protobuf")

    def find_spans(self, name: str) -> list[ReceivedSpan]:
        """Return the spans named *name*."""
        return [received for received in self.spans if received.span.name == name]


@asynccontextmanager
async def run_receiver() -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", receiver.handle_export)
    app.router.add_post("/v1/metrics", receiver.handle_export)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.silent = False
        await runner.cleanup()


def _spans(body: bytes) -> Iterator[ReceivedSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _plain(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(service, span)


def _metrics(body: bytes) -> Iterator[tuple[str, Any]]:
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        service = _plain(resource.resource.attributes)["service.name"]
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield service, metric


def _points(metric: Any) -> list[dict[str, Any]]:
    return [_plain(point.attributes) for point in getattr(metric, metric.WhichOneof("data")).data_points]


def _plain(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in attributes}
