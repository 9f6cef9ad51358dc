"""The alert rules, and which metrics they ask for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy/prometheus/alerts.yaml"


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, and the labels that a rule wants of it: (name, operator, value)."""

    metric: str
    labels: tuple[tuple[str, str, str], ...]


def rules() -> list[dict[str, Any]]:
    """Every alert rule."""
    return [rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]]


def selectors(expression: str) -> list[Selector]:
    """What *expression* asks for. Raises ValueError when it is not PromQL."""
    nodes: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), nodes.append)
    return [
        Selector(str(node.name), tuple((one.name, str(one.op), one.value) for one in node.matchers.matchers))
        for node in nodes
        if isinstance(node, promql_parser.VectorSelector)
    ]
