"""Sampler of CPU time by stage. Python imports it at the start of a process whose PYTHONPATH holds this folder.

BENCH_STAGES names a JSON file with the stage of each function, as `file:qualified name`. A timer of the process's CPU time
sends SIGPROF; each signal counts for the innermost function with a stage. SIGUSR1 resets the counts, and SIGUSR2 writes
them to BENCH_SAMPLES. The product has no part of this.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

OTHER_STAGE = "other"
SAMPLE_SECONDS = 0.001
"""Wanted CPU time between two samples. The kernel's clock may make it longer."""

samples: Counter[str] = Counter()
started_at = 0.0


def start_sampling(stages: dict[str, str]) -> None:
    """Count samples of this process by stage, from now on."""

    def count_sample(_signal: int, frame: FrameType | None) -> None:
        samples[find_stage(frame, stages) or find_stage_of_threads(stages)] += 1

    signal.signal(signal.SIGPROF, count_sample)
    signal.signal(signal.SIGUSR1, reset_samples)
    signal.signal(signal.SIGUSR2, write_samples)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)


def find_stage(frame: FrameType | None, stages: dict[str, str]) -> str | None:
    """Return the stage of the innermost function on the stack of *frame* that has one."""
    while frame is not None:
        code = frame.f_code
        if stage := stages.get(f"{code.co_filename}:{code.co_qualname}"):
            return stage
        frame = frame.f_back
    return None


def find_stage_of_threads(stages: dict[str, str]) -> str:
    """Return the stage of any thread. Signals reach the main thread only, which may wait while another thread works."""
    found = (find_stage(frame, stages) for frame in sys._current_frames().values())  # noqa: SLF001 - the only way to see threads
    return next(filter(None, found), OTHER_STAGE)


def reset_samples(*_: Any) -> None:
    """Delete all samples so far."""
    global started_at  # noqa: PLW0603 - a process has one sampler
    samples.clear()
    started_at = time.process_time()


def write_samples(*_: Any) -> None:
    """Write the CPU seconds of each stage since the last reset. The file appears when it is complete."""
    seconds_per_sample = (time.process_time() - started_at) / max(samples.total(), 1)
    target = Path(os.environ["BENCH_SAMPLES"])
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps({stage: count * seconds_per_sample for stage, count in samples.items()}))
    partial.rename(target)


if file := os.environ.get("BENCH_STAGES"):
    start_sampling(json.loads(Path(file).read_text()))
