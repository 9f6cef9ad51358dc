#!/usr/bin/env python3
"""Upload a CSV file to Equity Connect, signed. Python 3.9 or later, nothing to install.

    export GATEWAY_URL=https://leads.example.com HMAC_KEY_ID=acme-4f1c HMAC_SECRET_KEY=... HMAC_SCHEME=v2
    python3 upload.py leads.csv

Prints the report when every row has its verdict. Exit codes: 0 done, 1 failed, 2 wrong usage, file or
setting, 3 refused or uploaded before, 4 not reachable.
"""
# ruff: noqa: S310, T201, UP017 - a program of its own, which also runs on Python 3.9

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
    """End the program with a sentence and what to do."""
    print(f"Error: {problem}\n  {advice}", file=sys.stderr)
    sys.exit(code)


def now() -> str:
    """The time as the gateway wants it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def signed_headers(csv: Path) -> dict[str, str]:
    """The headers of an upload. The file is read in pieces, so that its size does not matter."""
    timestamp = now()
    signature = hmac.new(SECRET, digestmod=hashlib.sha256)
    if SCHEME == "v2":
        signature.update(f"{timestamp}.".encode())
    content = hashlib.sha256()
    with csv.open("rb") as file:
        while piece := file.read(1 << 20):
            signature.update(piece)
            content.update(piece)
    return {
        "Content-Type": "text/csv",
        "Content-Length": str(csv.stat().st_size),
        "X-Key-Id": KEY_ID,
        "X-Signature-Timestamp": timestamp,
        "X-Signature": f"{'v2' if SCHEME == 'v2' else 'sha256'}={signature.hexdigest()}",
        "X-Content-SHA256": content.hexdigest(),
    }


def upload(csv: Path) -> dict[str, Any]:
    """Send the file; the gateway's answer names the upload."""
    with csv.open("rb") as file:
        return answer(Request(f"{GATEWAY}/v1/uploads", data=file, headers=signed_headers(csv), method="POST"))


def report(upload_id: str) -> dict[str, Any]:
    """How an upload stands. Reading is signed too: `<timestamp>.GET <path>`."""
    timestamp, path = now(), f"/v1/uploads/{upload_id}"
    digest = hmac.new(SECRET, f"{timestamp}.GET {path}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Key-Id": KEY_ID, "X-Signature-Timestamp": timestamp, "X-Signature": f"v2={digest}"}
    return answer(Request(GATEWAY + path, headers=headers))


def answer(request: Request) -> dict[str, Any]:
    """The gateway's answer; ends the program with its reason when it refuses."""
    try:
        with urlopen(request, timeout=120) as response:
            return dict(json.load(response))
    except HTTPError as refusal:
        print(f"{refusal.code} {refusal.read().decode(errors='replace')}", file=sys.stderr)
        sys.exit(3 if refusal.code < HTTPStatus.INTERNAL_SERVER_ERROR else 1)


def checked() -> Path:
    """The file named on the command line. Ends the program where it or a setting is missing or wrong."""
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
    csv = checked()
    try:
        send(csv)
    except KeyboardInterrupt:
        fail(130, "Stopped.", "What was uploaded before goes on.")
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
        fail(
            4,
            f"The gateway at {GATEWAY} does not answer ({why}).",
            "Check GATEWAY_URL and your network, then try again.",
        )
    except (ValueError, KeyError, TypeError):
        fail(1, f"{GATEWAY} did not answer as the gateway does.", "Check GATEWAY_URL.")


def send(csv: Path) -> None:
    """Upload *csv*, and print its report when every row has its verdict."""
    upload_id = upload(csv)["upload_id"]
    print(f"upload {upload_id}", file=sys.stderr)
    while True:
        state = report(upload_id)
        if state["state"] in ("done", "failed", "needs_resend"):
            break
        time.sleep(1)
    print(json.dumps(state, indent=2))
    sys.exit(0 if state["state"] == "done" else 1)


if __name__ == "__main__":
    main()
