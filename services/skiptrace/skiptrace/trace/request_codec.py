"""Encryption of stored requests and raw responses, each bound to the id of its request."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from common.ids import LeadId, RequestId
from common.pii.keyring import Keyring
from common.vendors.http_client import VendorHttpResponse
from skiptrace.rules.lead import LeadPerson, LookupRequest

LOOKUPS_PURPOSE, RESPONSE_PURPOSE = "skip-trace-lookups", "skip-trace-response"
"""Purposes in the authenticated data of the encryption. Stored rows depend on them, so they never change."""


class RequestCodec:
    """Encrypts and decrypts the columns `lookups_encrypted` and `response_encrypted` of `skip_trace_requests`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def encrypt_lookups(self, request_id: RequestId, lookups: Sequence[LookupRequest]) -> bytes:
        """Return the stored form of a request's lookups."""
        return self._keyring.encrypt(LOOKUPS_PURPOSE, request_id.bytes, orjson.dumps(lookups, default=str))

    def encrypt_response(self, request_id: RequestId, response: VendorHttpResponse) -> bytes:
        """Return the stored form of a raw response."""
        body = orjson.dumps([response.status, response.content_type]) + b"\n" + response.body
        return self._keyring.encrypt(RESPONSE_PURPOSE, request_id.bytes, body)

    def decrypt_lookups(self, request_id: RequestId, encrypted: bytes) -> list[LookupRequest]:
        """Return the lookups of a stored request. Raises DecryptionError without the key."""
        return [
            LookupRequest(
                LeadId(UUID(one["lead_id"])),
                LeadPerson(**one["person"]),
                one["phone"],
                one["email"],
                tuple(one.get("phones", ())),
            )
            for one in orjson.loads(self._keyring.decrypt(LOOKUPS_PURPOSE, request_id.bytes, encrypted))
        ]

    def decrypt_response(self, request_id: RequestId, encrypted: bytes) -> VendorHttpResponse:
        """Return a stored raw response. Raises DecryptionError without the key."""
        head, _, body = self._keyring.decrypt(RESPONSE_PURPOSE, request_id.bytes, encrypted).partition(b"\n")
        status, content_type = orjson.loads(head)
        return VendorHttpResponse(status, content_type, body)
