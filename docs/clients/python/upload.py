#!/usr/bin/env python3
"""Upload a CSV file to Equity Connect, signed. Python 3.9 or later, nothing to install.

    export GATEWAY_URL=https://leads.example.com HMAC_KEY_ID=acme-4f1c HMAC_SECRET_KEY=... HMAC_SCHEME=v2
    python3 upload.py leads.csv

Prints the report when every row has an outcome. Exit codes: 0 done, 1 failed, 2 wrong usage, file or
setting, 3 refused or uploaded before, 4 not reachable.
"""
# ruff: noqa: S310, T201, UP017 - an independent program, which also runs on Python 3.9

import hashlib
import hmac
import json
import os
import sys
import time
from datetime import datetime, timezone
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.request import Request, urlopen

GATEWAY = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080").rstrip("/")
KEY_ID = os.environ.get("HMAC_KEY_ID", "")
SECRET = os.environ.get("HMAC_SECRET_KEY", "").encode()
SCHEME = os.environ.get("HMAC_SCHEME", "v2")  # v2: timestamp and body; body: the body alone


def fail(code: int, problem: str, advice: str) -> NoReturn:
    """Print the problem and the advice, and exit with *code*."""
    print(f"Error: {problem}\n  {advice}", file=sys.stderr)
    sys.exit(code)


def now() -> str:
    """Return the current time in RFC 3339."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def signed_headers(csv: Path) -> dict[str, str]:
    """Return the headers of an upload. Reads the file in blocks, so that a large file needs no more memory."""
    timestamp = now()
    signature = hmac.new(SECRET, digestmod=hashlib.sha256)
    if SCHEME == "v2":
        signature.update(f"{timestamp}.".encode())
    content = hashlib.sha256()
    with csv.open("rb") as file:
        while block := file.read(1 << 20):
            signature.update(block)
            content.update(block)
    return {
        "Content-Type": "text/csv",
        "Content-Length": str(csv.stat().st_size),
        "X-Key-Id": KEY_ID,
        "X-Signature-Timestamp": timestamp,
        "X-Signature": f"{'v2' if SCHEME == 'v2' else 'sha256'}={signature.hexdigest()}",
        "X-Content-SHA256": content.hexdigest(),
    }


def send_file(csv: Path) -> dict[str, Any]:
    """Send the file and return the response, which has the id of the upload."""
    with csv.open("rb") as file:
        return send_request(Request(f"{GATEWAY}/v1/uploads", data=file, headers=signed_headers(csv), method="POST"))


def fetch_report(upload_id: str) -> dict[str, Any]:
    """Return the report of an upload. Reading is signed too: `<timestamp>.GET <path>`."""
    timestamp, path = now(), f"/v1/uploads/{upload_id}"
    digest = hmac.new(SECRET, f"{timestamp}.GET {path}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Key-Id": KEY_ID, "X-Signature-Timestamp": timestamp, "X-Signature": f"v2={digest}"}
    return send_request(Request(GATEWAY + path, headers=headers))


def send_request(request: Request) -> dict[str, Any]:
    """Return the gateway's response. Prints a refusal and exits."""
    try:
        with urlopen(request, timeout=120) as response:
            return dict(json.load(response))
    except HTTPError as refusal:
        print(f"{refusal.code} {refusal.read().decode(errors='replace')}", file=sys.stderr)
        sys.exit(3 if refusal.code < HTTPStatus.INTERNAL_SERVER_ERROR else 1)


def read_arguments() -> Path:
    """Return the file named on the command line. Exits if it or a setting is missing or wrong."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its file
        fail(2, "One file is uploaded at a time.", "Usage: python3 upload.py leads.csv")
    if not (KEY_ID and SECRET):
        fail(2, "HMAC_KEY_ID and HMAC_SECRET_KEY are not both set.", "Set them to your key's id and secret.")
    if SCHEME not in ("v2", "body"):
        fail(2, "HMAC_SCHEME is neither v2 nor body.", "Set it to your key's scheme.")
    if not GATEWAY.startswith(("http://", "https://")):
        fail(2, "GATEWAY_URL is not a web address.", "It reads https://leads.example.com.")
    csv = Path(sys.argv[1])
    try:
        with csv.open("rb"):
            return csv
    except (OSError, ValueError) as error:
        fail(2, f"{csv} cannot be read: {getattr(error, 'strerror', None) or error}.", "Name a file that is there.")


def main() -> None:
    """Upload the file named on the command line and wait for its report."""
    csv = read_arguments()
    try:
        upload(csv)
    except KeyboardInterrupt:
        fail(130, "Stopped.", "An upload that the gateway has accepted continues.")
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
        fail(
            4,
            f"The gateway at {GATEWAY} does not answer ({why}).",
            "Check GATEWAY_URL and your network, then try again.",
        )
    except (ValueError, KeyError, TypeError):
        fail(1, f"{GATEWAY} did not answer as the gateway does.", "Check GATEWAY_URL.")


def upload(csv: Path) -> None:
    """Upload *csv*, and print its report when every row has an outcome."""
    upload_id = send_file(csv)["upload_id"]
    print(f"upload {upload_id}", file=sys.stderr)
    while True:
        report = fetch_report(upload_id)
        if report["state"] in ("done", "failed", "needs_resend"):
            break
        time.sleep(1)
    print(json.dumps(report, indent=2))
    sys.exit(0 if report["state"] == "done" else 1)


if __name__ == "__main__":
    main()
