"""Wiring of the replies service."""

from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial

import structlog

from common.calendar.clock import Clock
from common.compliance.legal_rules import legal_rules
from common.events import InstantlyWebhook
from common.service import Service, main
from common.vendors.http_client import VendorHttpClient
from common.vendors.instantly import InstantlyApi, build_email_list_policy, build_instantly_policy
from common.vendors.throttle import VendorThrottle
from replies.answers.answered_email import AnsweredEmailFinder
from replies.answers.attempts import AnswerAttempts
from replies.answers.sender import AnswerSender, measure_answers
from replies.answers.settings import AnswerLinks, AnswerSettingsError
from replies.classifier import Classifier
from replies.handlers import WebhookHandlers
from replies.jobs import RepliesJobs, UnpublishedWebhooks
from replies.own_texts import OwnTexts
from replies.reconciliation.comparison import EmailComparison, measure_comparison, request_comparison
from replies.reconciliation.contents import MissingContents
from replies.reconciliation.missed_replies import EmailReader, MissedReplyIntake
from replies.reconciliation.received_emails import ReceivedEmails
from replies.reconciliation.subscriptions import SubscriptionCheck
from replies.recorder import ReplyRecorder
from replies.router import ReplyRouter
from replies.settings import RepliesSettings
from replies.vendors.instantly import InstantlyEmails
from replies.vendors.openrouter import OpenRouterClient, build_openrouter_policy

log = structlog.get_logger()

MEASURE_SECONDS = 30
UNPUBLISHED_POLL_SECONDS = 3
RATE_SECONDS = 600
CLEAN_UP_TIME = time(3, 30)


def build(settings: RepliesSettings | None = None, clock: Clock | None = None) -> Service:
    """Build the replies service, ready to start."""
    settings = settings or RepliesSettings.for_service("replies")
    legal_rules()  # a service that decides about contacts does not start with wrong rules
    service = Service("replies", settings, clock)
    intake = _add_intake(service, settings)
    service.jobs.add_repeated(MEASURE_SECONDS, "watch_answers", partial(measure_answers, service.bus))
    if settings.instantly_api_key:
        _add_instantly(service, settings, intake)
    return service


@dataclass(frozen=True, slots=True)
class _Intake:
    """Parts that take in replies, from webhooks and from Instantly's list."""

    router: ReplyRouter
    recorder: ReplyRecorder
    own_texts: OwnTexts
    classifier: Classifier


def _add_intake(service: Service, settings: RepliesSettings) -> _Intake:
    """Add the handler of webhooks, the classifier and their jobs. They work without a key of any vendor."""
    router = ReplyRouter()
    classifier = _add_classifier(service, settings, router)
    recorder = ReplyRecorder(service.keyring, router)
    own_texts = OwnTexts(service.database, settings.postal_address)
    handlers = WebhookHandlers(recorder, router, own_texts, service.keyring, classifier.wake)
    service.bus.on(InstantlyWebhook)(handlers.record_webhooks)
    unpublished = UnpublishedWebhooks(service.bus, settings.unpublished_webhook_seconds)
    service.jobs.add_repeated(UNPUBLISHED_POLL_SECONDS, "handle_unpublished", unpublished.handle_unpublished)
    jobs = RepliesJobs(service.database, asks_model=settings.openrouter_api_key is not None)
    service.jobs.add_repeated(MEASURE_SECONDS, "watch_replies", jobs.measure)
    service.jobs.add_repeated(RATE_SECONDS, "watch_reply_rate", jobs.measure_rate)
    service.jobs.add_daily("clean_up", CLEAN_UP_TIME, jobs.delete_old_events, window=timedelta(hours=20))
    return _Intake(router, recorder, own_texts, classifier)


def _add_classifier(service: Service, settings: RepliesSettings, router: ReplyRouter) -> Classifier:
    """Add the classifier. Without a key of OpenRouter, rules alone classify."""
    client = None
    if settings.openrouter_api_key:
        throttle = VendorThrottle(service.database, [build_openrouter_policy(settings)])
        http = VendorHttpClient(settings.openrouter_timeout_seconds)
        service.parts.append(http)
        client = OpenRouterClient(settings, throttle, http)
    classifier = Classifier(service.bus, router, client, settings.replies_poll_seconds, settings.replies_lease_seconds)
    service.parts.append(classifier)
    return classifier


def _add_instantly(service: Service, settings: RepliesSettings, intake: _Intake) -> None:
    """Add everything that calls Instantly. Without an API key nothing of it runs, and answers wait."""
    policies = [
        build_instantly_policy(settings),
        build_email_list_policy(settings, settings.instantly_email_lists_per_minute),
    ]
    http = VendorHttpClient(settings.instantly_timeout_seconds)
    service.parts.append(http)
    emails = InstantlyEmails(InstantlyApi(settings, VendorThrottle(service.database, policies), http))
    reader = EmailReader(intake.own_texts, service.keyring)
    received = ReceivedEmails(service.bus, emails, reader.hash_text)
    _add_reconciliation(service, settings, intake, emails, reader, received)
    _add_answers(service, settings, emails, received)


def _add_reconciliation(
    service: Service,
    settings: RepliesSettings,
    intake: _Intake,
    emails: InstantlyEmails,
    reader: EmailReader,
    received: ReceivedEmails,
) -> None:
    """Add the comparison with Instantly, the search for missing contents and the check of the subscription."""
    missed = MissedReplyIntake(service.bus, reader, received, intake.recorder, intake.classifier.wake)
    comparison = EmailComparison(service.bus, emails, received, missed, settings)
    contents = MissingContents(service.bus, emails, reader, received, intake.recorder, intake.router)
    check = SubscriptionCheck(emails, partial(request_comparison, service.bus))
    seconds = min(60, settings.reply_reconcile_seconds)
    service.jobs.add_repeated(seconds, "compare_emails", comparison.compare_emails)
    service.jobs.add_repeated(settings.reply_content_seconds, "fetch_contents", contents.fetch_contents)
    service.jobs.add_repeated(settings.webhook_check_seconds, "check_webhook_subscription", check.check_subscriptions)
    service.jobs.add_repeated(MEASURE_SECONDS, "watch_comparison", partial(measure_comparison, service.bus))


def _add_answers(
    service: Service, settings: RepliesSettings, emails: InstantlyEmails, received: ReceivedEmails
) -> None:
    """Add the sender of answers. Without a link that people can open, nothing is sent, and answers wait."""
    try:
        links = AnswerLinks.from_settings(settings)
    except AnswerSettingsError as error:
        log.warning("answers_disabled", problem=str(error))
        return
    attempts = AnswerAttempts(service.bus, settings, links, service.clock)
    sender = AnswerSender(attempts, AnsweredEmailFinder(emails, received, service.keyring), emails)
    service.jobs.add_repeated(settings.answer_check_seconds, "send_answers", sender.send_due_answers)
    service.jobs.add_repeated(settings.answer_check_seconds, "look_up_answers", sender.look_up_answers)


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
