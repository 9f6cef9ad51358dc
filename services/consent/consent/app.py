"""Wiring of the consent service."""

from common.mail.sender import add_mail_sender
from common.pii.keyring import MissingKeyError
from common.service import Service, main
from common.web.server import WebServer
from consent.form_routes import FormRoutes
from consent.forms import ConsentForms
from consent.opt_outs import OptOutRecorder
from consent.routes import ConsentRoutes
from consent.settings import ConsentSettings
from consent.signatures import SignatureRecorder
from consent.signed_copy import SignedCopyMailer


def build(settings: ConsentSettings | None = None) -> Service:
    """Build the consent service, ready to start. Raises MissingKeyError without FORM_LINK_SECRET: no link could be opened."""
    settings = settings or ConsentSettings.for_service("consent")
    if not settings.link_secrets():
        raise MissingKeyError("FORM_LINK_SECRET")
    service = Service("consent", settings)
    add_mail_sender(service, settings)
    secrets = settings.link_secrets()
    copies = SignedCopyMailer(service.keyring, settings.withdraw_url, secrets[0])
    signatures = SignatureRecorder(service.keyring, copies)
    forms = FormRoutes(ConsentForms(service.bus, service.keyring, secrets, signatures), settings)
    routes = ConsentRoutes(OptOutRecorder(service.bus, service.keyring), forms, settings)
    service.parts.append(WebServer(routes.build_application(), settings.consent_host, settings.consent_port))
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
