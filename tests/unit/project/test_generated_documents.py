"""Generated documents are what their sources give. `./dev docs` writes them."""

import pytest

from documents.generated import DOCUMENTS, FIRST_LINE, LAST_LINE, MissingMarkersError, insert_generated_part
from documents.markdown import build_table
from documents.settings_tables import describe_default, describe_type, find_settings_classes, variable_name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_current(name: str) -> None:
    document = DOCUMENTS[name]
    assert document.path.read_text() == document.render(), "run ./dev docs"


def test_text_around_the_generated_part_stays() -> None:
    page = f"# Title\n\n{FIRST_LINE}\nold\n{LAST_LINE}\n\nThe end.\n"
    assert insert_generated_part(page, "new\n") == f"# Title\n\n{FIRST_LINE}\n\nnew\n\n{LAST_LINE}\n\nThe end.\n"


def test_a_page_without_the_marked_lines_is_refused() -> None:
    with pytest.raises(MissingMarkersError):
        insert_generated_part("# Title\n", "new")


def test_a_cell_cannot_break_its_table() -> None:
    assert build_table(("a", "b"), [("x | y", "one\ntwo")]) == "| a | b |\n|---|---|\n| x \\| y | one two |"


@pytest.mark.parametrize(
    ("service", "field", "described"),
    [
        ("All services", "otel_endpoint", ("OTEL_EXPORTER_OTLP_ENDPOINT", "text", "none")),
        ("All services", "log_format", ("LOG_FORMAT", "`json`, `console`", "`json`")),
        ("All services", "encryption_key", ("ENCRYPTION_KEY", "**secret**", "none")),
        ("All services", "database_transaction_pooler", ("DATABASE_TRANSACTION_POOLER", "`true` or `false`", "none")),
        ("gateway", "gateway_trusted_hops", ("GATEWAY_TRUSTED_HOPS", "integer, at least 0, at most 10", "`0`")),
        ("feeder", "feed_on_holidays", ("FEED_ON_HOLIDAYS", "`true` or `false`", "`false`")),
        ("feeder", "instantly_api_key", ("INSTANTLY_API_KEY", "**secret**", "none")),
        ("skiptrace", "skiptrace_unknown", ("SKIPTRACE_UNKNOWN", "`pay_again`, `next_provider`", "`next_provider`")),
        ("skiptrace", "melissa_url", ("MELISSA_URL", "URL", "`https://personator.melissadata.net`")),
        ("skiptrace", "melissa_cents", ("MELISSA_CENTS", "number, at least 0", "`3`")),
    ],
)
def test_a_setting_is_described_as_an_operator_sets_it(service: str, field: str, described: tuple[str, ...]) -> None:
    found = find_settings_classes()[service].model_fields[field]
    assert (variable_name(field, found), describe_type(found), describe_default(found)) == described
