"""The paper's Table 3 on simulated sessions: how often the listener's present mood is right, from the last k songs.

Sessions are those of `converters.sessions`, over the songs of one fold of the judged set. What a reader of moods has to
learn it learns from sessions over another fold's songs; the mood model that judged both never heard either.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import datasets, listener_network, listening_logs, listening_report, readers, recipes, songs
from converters.cache import FeatureCache
from converters.listener_network import ListenerConfig
from converters.material import Material
from converters.readers import Heard, Reader
from converters.sessions import OTHERS, USUAL, Habits, simulate
from edgemood import _belief

#: How many of the last songs are looked at, as in the paper.
WINDOWS = (1, 3, 5, 10)
#: Plays of a session; what comes before the last ten lets moods and pauses fall where they may.
PLAYS = 30
#: Simulated listeners that are held against real logs, and their plays.
LOG_SIZE = (300, 1500)
#: The folder of Last.fm's logs beside the labelled sets.
LOGS = "lastfm2k"

Fitted = tuple[Reader, Mapping[str, Any]]
Fit = Callable[[Heard, int], Fitted]


def fits(epochs: int | None = None) -> dict[str, Fit]:
    """Every row of the table: what learns from sessions, with a seed, and then reads moods. epochs: of the networks."""

    def network(*told: str) -> Fit:
        config = ListenerConfig(told=told, **({"epochs": epochs} if epochs else {}))
        return lambda learn, seed: listener_network.fit(learn, config, seed)

    return {
        "mean": lambda learn, seed: (readers.mean, {}),
        "decay": lambda learn, seed: readers.fit_decay(learn),
        "network": network("scores", "vectors"),
        "network-events": network("scores", "events"),
        "filter-order": lambda learn, seed: _untimed(readers.fit_filter(learn.untimed())),
        "filter": lambda learn, seed: readers.fit_filter(learn),
        "shipped": lambda learn, seed: (readers.filtering(_belief.DEFAULT), asdict(_belief.DEFAULT)),
    }


def _untimed(fitted: Fitted) -> Fitted:
    read, learned = fitted
    return lambda heard: read(heard.untimed()), learned


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate listener`` that other evaluations do not have."""
    parser.add_argument("--sessions", type=int, default=2000, help="sessions of each test fold and seed")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each row")
    parser.add_argument("--members", type=int, help="networks of the mood models, if not the recipe's")
    parser.add_argument("--epochs", type=int, help="of the listener's networks, to try the command")


def command(options: argparse.Namespace, cache: FeatureCache) -> None:
    """Judge every reader and write the report ``listener``."""
    pairs = judged_pairs(options, cache)
    contents = {
        "title": f"Table 3, the listener's mood: simulated sessions over {datasets.load(options.data)[0].name}",
        "mood_models": {
            "columns": options.columns,
            "test_accuracy": [round(readers.accuracy(p.test.truth, p.test.scores), 4) for p in pairs],
        },
        "habits": asdict(USUAL),
        "logs": logs(options.data / LOGS, pairs),
        **judge(pairs, fits(options.epochs), options.sessions, options.seeds),
    }
    listening_report.write(options.reports / "listener.json", contents)


def judged_pairs(options: argparse.Namespace, cache: FeatureCache) -> list[songs.Pair]:
    """The first set's folds, each with another to learn from."""
    recipe = recipes.of(options.columns, members=options.members)
    sets = datasets.load(options.data)
    if sets[0].labels != datasets.QUADRANT_LABELS:
        raise datasets.DataError(f"sessions need clips of the four quadrants, not of {', '.join(sets[0].labels)}")
    material = Material(sets, cache, recipe.variants)
    return list(songs.pairs(material, recipe, options.seed, options.cache / "songs", options.jobs))


def logs(folder: Path, pairs: Sequence[songs.Pair]) -> dict[str, Any]:
    """How simulated listening over all test songs, and real where `folder` is, concentrates on artists and moods."""
    log = listening_logs.simulated(songs.joined([p.test for p in pairs]), USUAL, *LOG_SIZE, np.random.default_rng(0))
    found = {"simulated": listening_logs.statistics(log)}
    if folder.is_dir():
        found["real"] = listening_logs.statistics(listening_logs.real(folder))
    return found


def judge(pairs: Sequence[songs.Pair], rows: Mapping[str, Fit], sessions: int, seeds: int) -> dict[str, Any]:
    """The figures of each row, by k and by kind of listener, and what the rows learned for k = 10."""
    right: dict[str, dict[str, list[NDArray[np.bool_]]]] = {row: {} for row in rows}
    losses: dict[str, list[float]] = {row: [] for row in rows}
    learned: dict[str, list[Mapping[str, Any]]] = {row: [] for row in rows}
    for pair in pairs:
        for seed in range(seeds):
            own = seed * 100 + pair.test_fold
            learn = _sessions(pair.learn, USUAL, 2 * sessions, own, "learn")
            test = _sessions(pair.test, USUAL, sessions, own, "test")
            others = {name: _sessions(pair.test, habits, sessions, own, name) for name, habits in OTHERS.items()}
            for row, fit in rows.items():
                for k in WINDOWS:
                    read, settings = fit(learn.last(k), own)
                    probs = read(test.last(k))
                    right[row].setdefault(str(k), []).append(probs.argmax(axis=1) == test.truth)
                losses[row].append(float(-np.log(np.maximum(probs[np.arange(sessions), test.truth], 1e-9)).mean()))
                learned[row].append(settings)
                for name, heard in others.items():
                    found = read(heard.last(k)).argmax(axis=1) == heard.truth
                    right[row].setdefault(name, []).append(found)
            said = ", ".join(f"{row} {right[row][str(WINDOWS[-1])][-1].mean():.3f}" for row in rows)
            print(f"test fold {pair.test_fold}, seed {seed}: {said}", flush=True)
    return {
        "sessions": sessions,
        "seeds": seeds,
        "folds": len(pairs),
        "rows": {
            row: {
                "by": {name: _figure(found, len(pairs)) for name, found in right[row].items()},
                "log_loss": round(float(np.mean(losses[row])), 4),
                "less_than_shipped": _difference(right, row),
                "learned": _middle(learned[row]),
            }
            for row in rows
        },
    }


def _sessions(pool: songs.Songs, habits: Habits, count: int, seed: int, name: str) -> Heard:
    """Sessions of their own for each seed and name, the same for every row."""
    rng = np.random.default_rng([seed, *name.encode()])
    return Heard.of(pool, simulate(pool, habits, count, PLAYS, rng))


def _figure(found: Sequence[NDArray[np.bool_]], folds: int) -> dict[str, Any]:
    """Accuracy with its 95 % interval over sessions, and that of each fold."""
    everything = np.concatenate(found)
    spread = 1.96 * float(np.sqrt(everything.mean() * (1 - everything.mean()) / len(everything)))
    each = np.stack([part.mean() for part in found]).reshape(folds, -1).mean(axis=1)
    return {
        "accuracy": round(float(everything.mean()), 4),
        "half_interval": round(spread, 4),
        "folds": [round(float(value), 4) for value in each],
    }


def _difference(right: Mapping[str, Mapping[str, Sequence[NDArray[np.bool_]]]], row: str) -> dict[str, float]:
    """How much less often than what ships the row is right at the longest window, paired by session."""
    key = str(WINDOWS[-1])
    if "shipped" not in right:
        return {}
    less = np.concatenate(right["shipped"][key]).astype(float) - np.concatenate(right[row][key])
    spread = 1.96 * less.std() / np.sqrt(len(less))
    return {"mean": round(float(less.mean()), 4), "half_interval": round(float(spread), 4)}


def _middle(learned: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median of what was learned over folds and seeds; what is no number is the same in all."""
    return {
        key: round(float(np.median([each[key] for each in learned])), 4) if isinstance(value, float) else value
        for key, value in learned[0].items()
    }
