"""Wiring of the skiptrace service."""

from collections.abc import Mapping
from datetime import time, timedelta

import structlog

from common.events import DedupeSuccess
from common.service import Service, main
from skiptrace.board import Board
from skiptrace.codes import Codes
from skiptrace.handlers import SkipTrace
from skiptrace.jobs import Upkeep
from skiptrace.lead import CHECKS
from skiptrace.ledger import Ledger
from skiptrace.provider import Provider, Reader
from skiptrace.record import Recorder
from skiptrace.sending import Sender
from skiptrace.settings import SkiptraceSettings
from skiptrace.tracing import Tracer
from skiptrace.turns import Turns
from skiptrace.vendors.batchdata import BatchData
from skiptrace.vendors.batchdata_phones import BatchDataPhones
from skiptrace.vendors.melissa import Melissa
from skiptrace.vendors.tlo import NAME, Tlo

log = structlog.get_logger()


def build(settings: SkiptraceSettings | None = None) -> Service:
    """The skiptrace service, ready to start. Without any provider's key it consumes nothing: Kafka keeps the leads."""
    settings = settings or SkiptraceSettings.for_service("skiptrace")
    service = Service("skiptrace", settings)
    providers = configured_providers(settings)
    codes = Codes(service.database)
    ledger = Ledger(service.database, service.keyring, settings)
    readers: dict[str, Reader] = {**known_providers(settings), NAME: Tlo(settings.tlo_cents)}
    board = Board(service.database, service.keyring, ledger, codes, readers, settings)
    sender = Sender(settings.skiptrace_call_seconds)
    tracer = Tracer(board, ledger, Turns(service.database, settings), sender, providers, settings)
    recorder = Recorder(service.keyring, timedelta(days=settings.skiptrace_period_days))
    service.parts += [sender, tracer]  # stopped in reverse: answers under way come in first
    upkeep = Upkeep(service.bus, ledger, tracer, recorder, codes, providers, settings)
    service.jobs.every(30, "expire_requests", upkeep.expire_requests)
    service.jobs.every(15, "merge_batches", upkeep.merge_batches)
    service.jobs.every(300, "merge_forgotten", upkeep.merge_forgotten)
    service.jobs.daily("clean_up", time(2, 45), upkeep.clean_up, window=timedelta(hours=20))
    if not providers:
        log.warning(
            "no_provider_has_a_key", help="set MELISSA_LICENSE_KEY or BATCHDATA_TOKEN; docs/adding-a-provider.md"
        )
        return service
    handlers = SkipTrace(tracer, recorder, codes)
    service.bus.on(DedupeSuccess, lanes=settings.skiptrace_lanes, max_records=settings.skiptrace_batch)(
        handlers.trace_owner
    )
    service.jobs.every(settings.skiptrace_forgotten_check_seconds, "trace_forgotten_leads", upkeep.trace_forgotten)
    if settings.skiptrace_reverify_per_day or settings.skiptrace_recheck_per_day:
        service.jobs.daily("reverify", time(1, 0), upkeep.reverify, window=timedelta(hours=4))
    return service


def configured_providers(settings: SkiptraceSettings) -> Mapping[str, Provider]:
    """Return the providers that the order names and whose own key is set, by name."""
    known = known_providers(settings)
    return {name: known[name] for name in settings.policy.order if known[name].has_key}


def known_providers(settings: SkiptraceSettings) -> Mapping[str, Provider]:
    """Every provider by name, used or not: what one answered before it was left out is read all the same."""
    licence, token = (
        key.get_secret_value() if key else "" for key in (settings.melissa_license_key, settings.batchdata_token)
    )
    found: list[Provider] = [
        Melissa(
            settings.melissa_url,
            licence,
            settings.melissa_actions,
            settings.melissa_cents,
            settings.melissa_records_per_second,
            settings.melissa_batch,
        ),
        BatchData(
            settings.batchdata_url,
            token,
            settings.batchdata_version,
            settings.batchdata_cents,
            settings.batchdata_requests_per_minute,
            settings.batchdata_batch,
        ),
    ]
    found += [
        BatchDataPhones(
            settings.batchdata_url,
            token,
            check,
            settings.batchdata_phone_cents,
            settings.batchdata_requests_per_minute,
        )
        for check in CHECKS
    ]
    return {provider.name: provider for provider in found}


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
