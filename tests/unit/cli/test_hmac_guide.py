"""The numbers in docs/hmac-guide.md are those that the command line's signing gives."""

import re
from datetime import UTC, datetime
from pathlib import Path

from cli.client.signing import SigningKey, SigningScheme

GUIDE = (Path(__file__).parents[3] / "docs" / "hmac-guide.md").read_text()
SECRET, NOW = b"example-secret", datetime(2026, 3, 1, 17, 5, tzinfo=UTC)


def test_the_guide_s_example_is_true(tmp_path: Path) -> None:
    example = re.search(r"(Address,City,State,Zip\n418 .*?\n)```", GUIDE)
    assert example
    file = tmp_path / "leads.csv"
    file.write_text(example[1])
    assert f"a body of the {file.stat().st_size} bytes" in GUIDE
    v2 = SigningKey("x", SECRET, SigningScheme.V2)
    assert f"| `X-Content-SHA256` | `{v2.sign_file(file, NOW)['X-Content-SHA256']}` |" in GUIDE
    assert f"| `X-Signature`, scheme `v2` | `{v2.sign_file(file, NOW)['X-Signature']}` |" in GUIDE
    body = SigningKey("x", SECRET, SigningScheme.BODY).sign_file(file, NOW)["X-Signature"]
    assert f"| `X-Signature`, scheme `body` | `{body}` |" in GUIDE
    assert f"`{v2.sign_read('/v1/uploads/7', NOW)['X-Signature']}`" in GUIDE


def test_every_refusal_of_an_upload_is_in_the_guide() -> None:
    from gateway.routes import OPERATIONS

    elsewhere = {
        "missing_header",
        "bad_request",
        "bad_multipart",
        "too_slow",
    }  # explained in general, or by `detail` alone
    codes = {code for operation in OPERATIONS if operation.name == "receive_upload" for code in operation.problems}
    assert {code for code in codes - elsewhere if f"`{code}`" not in GUIDE} == set()
