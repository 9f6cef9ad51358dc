"""Wiring of the consent service."""

from common.pii.keyring import MissingKeyError
from common.service import Service, main
from common.web.server import WebServer
from consent.opt_outs import OptOutRecorder
from consent.routes import ConsentRoutes
from consent.settings import ConsentSettings


def build(settings: ConsentSettings | None = None) -> Service:
    """Build the consent service, ready to start. Raises MissingKeyError without FORM_LINK_SECRET: no link could be opened."""
    settings = settings or ConsentSettings.for_service("consent")
    if not settings.link_secrets():
        raise MissingKeyError("FORM_LINK_SECRET")
    service = Service("consent", settings)
    routes = ConsentRoutes(OptOutRecorder(service.bus, service.keyring), settings)
    service.parts.append(WebServer(routes.build_application(), settings.consent_host, settings.consent_port))
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
