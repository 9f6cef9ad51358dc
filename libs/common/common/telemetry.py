"""Logs, metrics and traces: structlog, OpenTelemetry, and `/metrics` in Prometheus' format.

Traces and metrics leave the process over OTLP only if OTEL_EXPORTER_OTLP_ENDPOINT is set; `/metrics` is always available.
Messaging attributes follow the OpenTelemetry semantic conventions 1.30.
"""

import logging
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Thread
from uuid import uuid4

import structlog
from opentelemetry import metrics, propagate, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

import common
from common.settings import Settings

MAX_LINKS = 128
"""Largest number of links of a span: OpenTelemetry's own limit."""
DURATION_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)
"""Bucket bounds of duration histograms: those of the conventions, and two more for long batches."""
MAX_CAUSES = 10
"""Largest number of errors in a chain of causes that is logged."""
Attributes = Mapping[str, str | int]

_providers: list[TracerProvider | MeterProvider] = []


def configure_telemetry(settings: Settings, process: str) -> None:
    """Configure logging, metrics and traces of *process*. Call it once, before services are built."""
    _configure_logging(settings)
    resource = Resource.create(
        {
            "service.name": f"equity-{process}",
            "service.version": common.__version__,
            "service.instance.id": str(uuid4()),  # otherwise replicas would overwrite each other's metrics
        }
    )
    readers: list[MetricReader] = [PrometheusMetricReader()]
    if settings.otel_endpoint:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - slow
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - slow

        base = settings.otel_endpoint.rstrip("/")
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{base}/v1/metrics")))
        tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces")))
        trace.set_tracer_provider(tracing)
        _providers.append(tracing)
    metering = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(metering)
    _providers.append(metering)


def shut_down_telemetry(seconds: float = 5) -> None:
    """Send the remaining data for at most *seconds*: an endpoint that hangs must not delay the end of the process."""
    threads = [Thread(target=provider.shutdown, daemon=True) for provider in _providers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds / len(threads))
    _providers.clear()


def _configure_logging(settings: Settings) -> None:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(lambda info: format_error(info[1])),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Formatter(logging.Formatter):
    """Formatter of libraries' log records. It formats errors like our own, without their text."""

    def formatException(self, ei: tuple[object, BaseException | None, object]) -> str:  # noqa: N802 - logging's name
        return format_error(ei[1])


def format_error(error: BaseException | None) -> str:
    """Return types and stack traces of *error* and its causes, without their text, which may hold personal data."""
    parts: list[str] = []
    while error is not None and len(parts) < MAX_CAUSES:
        parts.append("".join(traceback.format_tb(error.__traceback__)) + error_type(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\ncaused\n".join(reversed(parts))


def error_type(error: BaseException) -> str:
    """Return the type of *error*: its SQLSTATE if PostgreSQL gave one, otherwise its class."""
    return getattr(error, "sqlstate", None) or type(error).__qualname__


@cache
def counter(name: str, description: str) -> Counter:
    """Return the counter *name*, the same object each time."""
    return metrics.get_meter("equity").create_counter(name, description=description)


@cache
def histogram(name: str, description: str) -> Histogram:
    """Return the histogram *name* of durations in seconds, the same object each time."""
    return metrics.get_meter("equity").create_histogram(
        name, description=description, unit="s", explicit_bucket_boundaries_advisory=DURATION_BUCKETS_SECONDS
    )


class Gauge:
    """Gauge with one value for each label set, read when the metrics are collected."""

    def __init__(self, name: str, description: str) -> None:
        self._values: dict[tuple[tuple[str, str], ...], float] = {}
        metrics.get_meter("equity").create_observable_gauge(name, [self._observe], description=description)

    def set(self, value: float, **labels: str) -> None:
        """Set the value of these labels."""
        self._values[tuple(sorted(labels.items()))] = value

    def remove(self, **labels: str) -> None:
        """Remove the value of these labels."""
        self._values.pop(tuple(sorted(labels.items())), None)

    def clear(self) -> None:
        """Remove all label sets, for gauges whose labels change."""
        self._values.clear()

    def _observe(self, _options: object) -> Iterable[Observation]:
        return [Observation(value, dict(labels)) for labels, value in list(self._values.items())]


@cache
def gauge(name: str, description: str) -> Gauge:
    """Return the gauge *name*, the same object each time."""
    return Gauge(name, description)


@contextmanager
def open_span(
    name: str, kind: SpanKind, *, links: Sequence[Link] = (), attributes: Attributes | None = None
) -> Iterator[Span]:
    """Open a span around the block. It is sent only if tracing is configured.

    The span has only the type of an error. OpenTelemetry would add the text of the error and its causes, and PostgreSQL's
    text quotes rows.
    """
    with trace.get_tracer("equity").start_as_current_span(
        name, None, kind, attributes, links, record_exception=False, set_status_on_exception=False
    ) as running:
        try:
            yield running
        except Exception as error:
            mark_span_failed(running, error_type(error.__cause__ or error))
            raise


def mark_span_failed(span: Span, type_name: str) -> None:
    """Mark *span* as failed, with the type of the error."""
    span.set_attribute("error.type", type_name)
    span.set_status(StatusCode.ERROR)


def links_to(traceparents: Iterable[str | None]) -> list[Link]:
    """Return links to the spans that sent these messages. A funnel lasts days, so its steps are linked, not one trace."""
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
    """Return the W3C trace context of the running span, or None outside of a span."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")
