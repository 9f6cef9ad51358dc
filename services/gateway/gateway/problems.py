"""Kinds of problems of uploads and webhooks, and the catalogue of all that the gateway responds with."""

from collections.abc import Mapping

from common.web.problems import GENERAL_PROBLEM_KINDS, ProblemKind

MISSING_HEADER = ProblemKind("missing_header", 400, "A header is missing")
BAD_HEADER = ProblemKind("bad_header", 400, "A header cannot be read")
TIMESTAMP_OUT_OF_RANGE = ProblemKind("timestamp_out_of_range", 400, "The timestamp is not within five minutes of now")
CONTENT_HASH_MISMATCH = ProblemKind("content_hash_mismatch", 400, "The body is not what X-Content-SHA256 says")
BAD_MULTIPART = ProblemKind("bad_multipart", 400, "The multipart body cannot be read")
BAD_JSON = ProblemKind("bad_json", 400, "The body is not JSON")
EXPIRED_WEBHOOK = ProblemKind("expired_webhook", 400, "The webhook is too old")
BAD_SIGNATURE = ProblemKind("bad_signature", 401, "The signature does not match")
SCHEME_REFUSED = ProblemKind("scheme_refused", 401, "This kind of signature is not accepted here")
BROKER_NOT_PERMITTED = ProblemKind("broker_not_permitted", 403, "This key may not assign leads to that broker")
ALREADY_UPLOADED = ProblemKind("already_uploaded", 409, "This file was uploaded before")
CONTENT_ENCODING = ProblemKind("content_encoding", 415, "Compressed bodies are not accepted")
NOT_CSV = ProblemKind("not_csv", 415, "The file is not CSV text")
EMPTY_FILE = ProblemKind("empty_file", 422, "The file has no rows")
MISSING_COLUMNS = ProblemKind("missing_columns", 422, "The file lacks columns that every lead needs")
BAD_COLUMNS = ProblemKind("bad_columns", 422, "The file's header row cannot be used")
BAD_PROFILE = ProblemKind("bad_profile", 422, "The profile or the mapping of columns cannot be used")
BAD_TEXT = ProblemKind("bad_text", 422, "The file's text cannot be read")
NO_SPACE = ProblemKind("no_space", 503, "There is no space for this file right now")

UPLOAD_AND_WEBHOOK_KINDS = (
    MISSING_HEADER, BAD_HEADER, TIMESTAMP_OUT_OF_RANGE, CONTENT_HASH_MISMATCH, BAD_MULTIPART, BAD_JSON, EXPIRED_WEBHOOK,
    BAD_SIGNATURE, SCHEME_REFUSED, BROKER_NOT_PERMITTED, ALREADY_UPLOADED, CONTENT_ENCODING, NOT_CSV, EMPTY_FILE,
    MISSING_COLUMNS, BAD_COLUMNS, BAD_PROFILE, BAD_TEXT, NO_SPACE,
)  # fmt: skip

PROBLEM_KINDS: Mapping[str, ProblemKind] = {
    kind.code: kind
    for kind in sorted((*GENERAL_PROBLEM_KINDS, *UPLOAD_AND_WEBHOOK_KINDS), key=lambda kind: kind.status)
}
"""Every kind by its code, in the order of HTTP statuses."""
