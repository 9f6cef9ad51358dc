"""Wiring of the skiptrace service."""

from collections.abc import Mapping
from datetime import time, timedelta

import structlog

from common.events import DedupeSuccess
from common.service import Service, main
from common.vendors.http_client import VendorHttpClient
from common.vendors.throttle import VendorThrottle
from skiptrace.handlers import SkiptraceHandlers
from skiptrace.jobs import SkiptraceJobs
from skiptrace.rules.lead import PHONE_CHECKS
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.lead_loader import LeadLoader
from skiptrace.trace.provider import Provider, ResponseReader
from skiptrace.trace.request_codec import RequestCodec
from skiptrace.trace.request_log import RequestLog
from skiptrace.trace.result_writer import ResultWriter
from skiptrace.trace.tracer import Tracer
from skiptrace.vendors.batchdata import BatchDataAdapter
from skiptrace.vendors.batchdata_phones import BatchDataPhonesAdapter
from skiptrace.vendors.melissa import MelissaAdapter
from skiptrace.vendors.tlo import TLO_NAME, TloAdapter

log = structlog.get_logger()


def build(settings: SkiptraceSettings | None = None) -> Service:
    """Return the skiptrace service, ready to start. Without any provider's key it consumes nothing: Kafka keeps the leads."""
    settings = settings or SkiptraceSettings.for_service("skiptrace")
    service = Service("skiptrace", settings)
    providers = configured_providers(settings)
    codes, codec = CodeTable(service.database), RequestCodec(service.keyring)
    request_log = RequestLog(service.database, codec, settings)
    loader = LeadLoader(service.database, service.keyring, codec, codes, known_readers(settings), settings)
    policies = [settings.vendor_policy(name, provider.rate) for name, provider in providers.items()]
    throttle = VendorThrottle(service.database, policies)
    client = VendorHttpClient(settings.skiptrace_call_seconds)
    tracer = Tracer(loader, request_log, throttle, client, providers, settings)
    writer = ResultWriter(service.keyring, timedelta(days=settings.skiptrace_period_days))
    service.parts += [client, tracer]  # stopped in reverse order: responses in flight arrive first
    jobs = SkiptraceJobs(service.bus, request_log, tracer, writer, codes, providers, settings)
    service.jobs.add_repeated(30, "expire_requests", jobs.expire_requests)
    service.jobs.add_repeated(15, "merge_batches", jobs.merge_batches)
    service.jobs.add_repeated(300, "merge_unmerged_responses", jobs.merge_unmerged_responses)
    service.jobs.add_daily("clean_up", time(2, 45), jobs.empty_old_responses, window=timedelta(hours=20))
    if providers:
        handlers = SkiptraceHandlers(tracer, writer, codes)
        _start_tracing(service, settings, handlers, jobs)
    else:
        log.warning(
            "tracing_disabled", help="set MELISSA_LICENSE_KEY or BATCHDATA_TOKEN; docs/guides/adding-a-provider.md"
        )
    return service


def _start_tracing(
    service: Service, settings: SkiptraceSettings, handlers: SkiptraceHandlers, jobs: SkiptraceJobs
) -> None:
    """Subscribe the handler and schedule the jobs that ask providers on their own."""
    service.bus.on(
        DedupeSuccess, instances=settings.skiptrace_consumer_instances, max_records=settings.skiptrace_batch
    )(handlers.trace_owner)
    service.jobs.add_repeated(
        settings.skiptrace_recovery_check_seconds, "trace_overlooked_leads", jobs.trace_overlooked_leads
    )
    service.jobs.add_repeated(
        settings.skiptrace_recovery_check_seconds, "trace_signed_numbers", jobs.trace_signed_numbers
    )
    if settings.skiptrace_reverify_per_day or settings.skiptrace_recheck_per_day:
        service.jobs.add_daily("reverify", time(1, 0), jobs.reverify_leads, window=timedelta(hours=4))


def configured_providers(settings: SkiptraceSettings) -> Mapping[str, Provider]:
    """Return the providers that the order names and whose own key is set, by name."""
    known = known_providers(settings)
    return {name: known[name] for name in settings.policy.order if known[name].has_key}


def known_readers(settings: SkiptraceSettings) -> Mapping[str, ResponseReader]:
    """Return every vendor by name, used or not: responses stored before a change of the order are still read."""
    return {**known_providers(settings), TLO_NAME: TloAdapter(settings.tlo_cents)}


def known_providers(settings: SkiptraceSettings) -> Mapping[str, Provider]:
    """Return every provider that can be called, used or not, by name."""
    licence, token = (
        key.get_secret_value() if key else "" for key in (settings.melissa_license_key, settings.batchdata_token)
    )
    providers: list[Provider] = [
        MelissaAdapter(
            settings.melissa_url,
            licence,
            settings.melissa_actions,
            settings.melissa_cents,
            settings.melissa_records_per_second,
            settings.melissa_batch,
        ),
        BatchDataAdapter(
            settings.batchdata_url,
            token,
            settings.batchdata_version,
            settings.batchdata_cents,
            settings.batchdata_requests_per_minute,
            settings.batchdata_batch,
        ),
    ]
    providers += [
        BatchDataPhonesAdapter(
            settings.batchdata_url,
            token,
            check,
            settings.batchdata_phone_cents,
            settings.batchdata_requests_per_minute,
        )
        for check in PHONE_CHECKS
    ]
    return {provider.name: provider for provider in providers}


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
