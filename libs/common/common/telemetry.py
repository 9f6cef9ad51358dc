"""Logs, metrics and traces: structlog, OpenTelemetry, and `/metrics` in Prometheus' format.

Traces and metrics leave the process over OTLP only where OTEL_EXPORTER_OTLP_ENDPOINT is set; `/metrics` is always there.
Messaging attributes follow the OpenTelemetry semantic conventions 1.30.
"""

import logging
import sys
from collections.abc import Iterable
from functools import cache

import structlog
from opentelemetry import metrics, propagate, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, Tracer

import common
from common.settings import Settings

MAX_LINKS = 128
"""Messages of a batch that its span links to, at the most: OpenTelemetry's own limit."""


def configure(settings: Settings, process: str) -> None:
    """Set up logging, and metrics and traces for *process*. Call it once, before services are built."""
    _configure_logging(settings)
    resource = Resource.create({"service.name": f"equity-{process}", "service.version": common.__version__})
    readers: list[MetricReader] = [PrometheusMetricReader()]
    if settings.otel_endpoint:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - slow
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - slow

        base = settings.otel_endpoint.rstrip("/")
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{base}/v1/metrics")))
        tracing = TracerProvider(resource=resource)
        tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces")))
        trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider(readers, resource=resource))


def _configure_logging(settings: Settings) -> None:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


@cache
def counter(name: str, description: str) -> Counter:
    """The counter *name*; the same object each time."""
    return metrics.get_meter("equity").create_counter(name, description=description)


@cache
def histogram(name: str, description: str, unit: str = "s") -> Histogram:
    """The histogram *name*; the same object each time."""
    return metrics.get_meter("equity").create_histogram(name, description=description, unit=unit)


class Gauge:
    """Values by label set, read when somebody asks for the metrics."""

    def __init__(self, name: str, description: str) -> None:
        self._values: dict[tuple[tuple[str, str], ...], float] = {}
        metrics.get_meter("equity").create_observable_gauge(name, [self._observe], description=description)

    def set(self, value: float, **labels: str) -> None:
        """Remember *value* for these labels."""
        self._values[tuple(sorted(labels.items()))] = value

    def clear(self) -> None:
        """Forget all label sets: for gauges whose labels come and go."""
        self._values.clear()

    def _observe(self, _options: object) -> Iterable[Observation]:
        return [Observation(value, dict(labels)) for labels, value in list(self._values.items())]


@cache
def gauge(name: str, description: str) -> Gauge:
    """The gauge *name*; the same object each time."""
    return Gauge(name, description)


def tracer() -> Tracer:
    """The tracer of this process; its spans go nowhere unless tracing is configured."""
    return trace.get_tracer("equity")


def links(traceparents: Iterable[str | None]) -> list[Link]:
    """Links to the spans that sent these messages: a funnel lasts days, so steps are linked and never one trace."""
    found = []
    for traceparent in traceparents:
        if traceparent is None:
            continue
        context = trace.get_current_span(propagate.extract({"traceparent": traceparent})).get_span_context()
        if context.is_valid:
            found.append(Link(context))
        if len(found) == MAX_LINKS:
            break
    return found


def current_traceparent() -> str | None:
    """The W3C trace context of the running span, or None outside of one."""
    if not _current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def _current_span() -> Span:
    return trace.get_current_span()
