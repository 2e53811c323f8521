"""A scan with a toy model, real in all else, and files whose names make their worker misbehave."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from worker_toys import do_abort, do_crash, do_eat, do_hang, do_kill

from edgemood import _analysis, bundle, features, mood, pipeline
from edgemood.domain import FeatureSequence, Mood, MoodSpan, plane_position
from edgemood.library import Library

LABELS = ("happy", "angry", "sad", "calm")
MISBEHAVIOUR: dict[str, Callable[[Any], object]] = {
    "crash": do_crash,
    "kill": do_kill,
    "abort": do_abort,
    "hang": do_hang,
    "eat": lambda channel: do_eat(channel, 600),
    "slow": lambda channel: time.sleep(0.3),
}


class ToyModel:
    """Judges by the descriptors themselves, every bit of them. Its id is all that a name like "toy-2" changes."""

    labels = LABELS
    names = features.set_names("lld50")
    config = features.FeatureConfig().to_dict()
    parts = (bundle.Part(config, names),)
    patches = None
    feature_version = features.VERSION

    def __init__(self, name: str) -> None:
        self.id = name

    def require(self, version: str) -> None:
        assert version == features.VERSION

    def judge(self, sequence: FeatureSequence, duration_s: float | None = None, beat: object = None) -> Mood:
        rng = np.random.default_rng([len(self.id), *sequence.values.tobytes()[:4000]])
        table = rng.dirichlet(np.ones(4), len(sequence.values)).astype(np.float32)
        spans = []
        for start_s, end_s, row in zip(sequence.start_s.tolist(), sequence.end_s.tolist(), table, strict=True):
            scores = dict(zip(LABELS, row.tolist(), strict=True))
            spans.append(MoodSpan(start_s, end_s, scores, *plane_position(scores), 1 / len(table)))
        spans[-1] = MoodSpan(spans[-1].start_s, duration_s or 0.0, *list(vars(spans[-1]).values())[2:])
        scores = dict(zip(LABELS, table.astype(np.float64).mean(axis=0).tolist(), strict=True))
        return Mood(scores, rng.normal(size=8).astype(np.float32), tuple(spans), self.id)


def set_up_worker(model: str, model_id: str) -> Callable[[Any, Any], Any]:
    mood.load = mood.outline = ToyModel
    work = _analysis.set_up_worker(model, model_id)

    def toy_work(job: Any, channel: Any) -> Any:
        if "vanish" in Path(job.path).name:
            Path(job.path).unlink()
        log = os.environ.get("SCAN_TOYS_LOG")
        analyse = _analysis._Analysis.finish

        def finish(self: Any) -> Any:
            if log:
                with Path(log).open("ab") as file:
                    file.write(os.fsencode(job.path) + b"\n")
            for word, act in MISBEHAVIOUR.items():
                if word in Path(job.path).name and "SCAN_TOYS_BEHAVE" not in os.environ:
                    act(channel)
            return analyse(self)

        _analysis._Analysis.finish = finish
        try:
            return work(job, channel)
        finally:
            _analysis._Analysis.finish = analyse

    return toy_work


def install() -> None:
    """Have `pipeline.scan` use the toys."""
    mood.load = mood.outline = ToyModel
    pipeline.set_up_worker = set_up_worker


def main(library_path: str, folder: str) -> None:
    """A scan to be interrupted from outside: `COMMAND` with these arguments."""
    install()
    with Library.open(library_path) as library:
        print("begins", flush=True)
        report = pipeline.scan(
            library,
            folder,
            model="toy-1",
            jobs=2,
            on_progress=lambda p: print(p.done, ascii(p.current), flush=True) if p.current and p.total else None,
        )
        print("ends", report.analysed, flush=True)


_PATH = [str(Path(__file__).parent), *sys.path]
COMMAND = [
    sys.executable,
    "-c",
    f"import sys; sys.path[:0] = {_PATH!r}; import scan_toys; scan_toys.main(*sys.argv[1:])",
]
