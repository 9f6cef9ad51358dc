"""Alert rules and the metrics that they read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

ROOT = Path(__file__).resolve().parents[2]
ALERT_RULES_FILE = ROOT / "deploy/prometheus/alerts.yaml"


@dataclass(frozen=True, slots=True)
class Selector:
    """Metric with the label matchers of a rule: (name, operator, value)."""

    metric: str
    labels: tuple[tuple[str, str, str], ...]


def load_rules() -> list[dict[str, Any]]:
    """Return every alert rule."""
    return [rule for group in yaml.safe_load(ALERT_RULES_FILE.read_text())["groups"] for rule in group["rules"]]


def parse_selectors(expression: str) -> list[Selector]:
    """Return the metrics that *expression* reads. Raises ValueError if it is not PromQL."""
    nodes: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), nodes.append)
    return [
        Selector(str(node.name), tuple((one.name, str(one.op), one.value) for one in node.matchers.matchers))
        for node in nodes
        if isinstance(node, promql_parser.VectorSelector)
    ]
