"""`./dev bench NAME` runs and reports; small sizes, for their figures are of no interest here."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZES = {
    "addresses": None,
    "consent": 20,
    "fairness": 500,
    "feeder": 10_000,
    "gate": None,
    "intake": 500,
    "latency": 3,
    "leads": 1_000,
    "lookups": 1_000,
    "memory": 1_000,
    "replies": 50,
    "verification": 20,
    "webhooks": 50,
}


def test_every_benchmark_is_tried_here() -> None:
    assert {path.stem.removeprefix("bench_") for path in (ROOT / "bench").glob("bench_*.py")} == SIZES.keys()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "intake" else pytest.mark.slow) for name in SIZES]
)
def test_a_benchmark_runs_and_reports(name: str) -> None:
    size = SIZES[name]
    command = ["./dev", "bench", name, *([] if size is None else [str(size)])]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert json.loads(done.stdout.splitlines()[-1])["bench"]
