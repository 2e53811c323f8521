"""What each group of descriptors earns and costs: ``python -m converters.evaluate ablation --data DIR``.

The machine of `converters.baseline` is judged by five folds (protocol A) on columns of `columns.WIDE`: the published
method's own, those with each group beside them, all of them, and all with each group left out. What a row costs is
the CPU time of its extraction, in times that of the method's own columns.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import ablation_report, baseline, datasets, protocol
from converters.cache import FeatureCache
from converters.columns import LLD50, WIDE, Columns
from converters.datasets import Clip
from converters.material import Material
from edgemood import features
from edgemood.bundle import Part
from edgemood.describe import Describer

#: Of each group the prefixes of its columns, among those that the method does not have.
GROUPS: dict[str, tuple[str, ...]] = {
    "octave bands": ("band_level_",),
    "modulation": ("modulation_",),
    "MFCC deltas": ("mfcc_",),
    "relative chroma": ("relative_chroma_",),
    "chroma intervals": ("chroma_interval_",),
    "roughness": ("roughness", "inharmonicity", "strongest_peak_share", "peak_centroid"),
    "tonal peaks": ("tonal_prominence", "tonal_peak_share", "tonal_tuning"),
    "harmonic change": ("tonal_centroid_change", "chroma_change"),
}
#: What the cost is measured on.
SECONDS = 30.0
TONES_HZ = (110.0, 220.0, 277.2, 329.6, 440.0, 554.4, 659.3, 880.0)


@dataclass(frozen=True)
class Row:
    """Columns to be judged, and the row they are compared with (none for the first)."""

    names: tuple[str, ...]
    reference: str | None = None


@dataclass(frozen=True)
class Table:
    """A set's clips, and of every column of `columns.WIDE` mean and deviation ``[clips, 2 columns]``."""

    name: str
    labels: tuple[str, ...]
    clips: Sequence[Clip]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, data: datasets.Dataset, cache: FeatureCache) -> Table:
        """The set `data`, by descriptors from `cache`, evened out as networks read them."""
        material = Material([data], cache, 0)
        sequences = material.own(range(len(material.clips)))
        return cls(data.name, data.labels, material.clips, baseline.statistics(sequences, WIDE.names, transformed=True))

    @property
    def truth(self) -> NDArray[np.int64]:
        """Each clip's likeliest label ``[clips]``."""
        return np.array([clip.label for clip in self.clips])


def groups() -> dict[str, tuple[str, ...]]:
    """The columns of each of `GROUPS`, in their order."""
    new = [name for name in WIDE.names if name not in LLD50.names]
    return {group: tuple(name for name in new if name.startswith(prefixes)) for group, prefixes in GROUPS.items()}


def rows() -> dict[str, Row]:
    """Every row by its title, behind the one it is compared with."""
    harmony = features.set_names("harmony")
    table = {"lld50": Row(LLD50.names)}
    table |= {f"lld50 + {group}": Row(LLD50.names + names, "lld50") for group, names in groups().items()}
    table["lld84"] = Row(features.set_names("lld84"), "lld50")
    table["harmony"] = Row(harmony, "lld50")
    table["lld50 + harmony"] = Row(LLD50.names + harmony, "lld50")
    table["wide"] = Row(WIDE.names, "lld50")
    for group, names in groups().items():
        table[f"wide - {group}"] = Row(tuple(name for name in WIDE.names if name not in names), "wide")
    return table


def judge(table: Table, names: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Each clip's label by the machine that never saw its fold, and the settings taken for each fold.

    Raises
    ------
    DataError
        An artist lies in two folds.
    """
    places = [WIDE.names.index(name) for name in names]
    values = table.values[:, places + [len(WIDE.names) + place for place in places]]
    truth, fold = table.truth, np.array([clip.fold for clip in table.clips])
    chosen, settings = np.zeros_like(truth), []
    for split in protocol.folds(table.clips):
        model = baseline.fit(values[split.train], truth[split.train], fold[split.train])
        chosen[split.test] = model.predict(values[split.test])
        settings.append(" ".join(f"{key.removeprefix('svc__')} {value}" for key, value in model.best_params_.items()))
    return chosen, settings


def run(tables: Sequence[Table], rounds: int) -> dict[str, Any]:
    """Judge every row on every set, and measure its cost in so many rounds.

    Returns
    -------
    dict
        ``settings``; ``groups``, their columns; ``sets``, how many clips of each label; ``rows``, of each its
        ``reference``, the number of ``columns``, ``cost`` (see `cost`) and by set in ``judged`` what `figures` gives.
    """
    table = rows()
    spent = cost(table, rounds)
    chosen: dict[tuple[str, str], NDArray[np.int64]] = {}
    found: dict[str, Any] = {}
    for title, row in table.items():
        found[title] = {"reference": row.reference, "columns": len(row.names), "cost": spent[title], "judged": {}}
        for data in tables:
            chosen[data.name, title], taken = judge(data, row.names)
            beside = chosen[data.name, row.reference] if row.reference else None
            record = figures(data, chosen[data.name, title], beside) | {"chosen_by_inner_folds": taken}
            found[title]["judged"][data.name] = record
            print(f"{title}, {data.name}: macro F1 {record['macro_f1']:.3f}", flush=True)
    grid = {key.removeprefix("svc__"): values for key, values in baseline.GRID.items()}
    return {
        "settings": {"feature_version": features.VERSION, "grid": grid, "rounds": rounds, "seconds": SECONDS},
        "groups": groups(),
        "sets": {
            data.name: dict(zip(data.labels, np.bincount(data.truth, minlength=len(data.labels)).tolist(), strict=True))
            for data in tables
        },
        "rows": found,
    }


def figures(table: Table, chosen: NDArray[np.int64], reference: NDArray[np.int64] | None) -> dict[str, Any]:
    """What `protocol.figures` gives of a choice; and its macro F1 less another's: ``difference``, ``difference_95``.

    Parameters
    ----------
    table
        The set that was judged.
    chosen, reference
        A label for each clip ``[clips]``; without a reference there are no differences.
    """
    truth, count = table.truth, len(table.labels)
    record = protocol.of_choices(protocol.figures(truth, np.eye(count)[chosen], table.labels))
    if reference is not None:
        beside = protocol.macro_f1(protocol.confusion(truth, reference, count))
        record["difference"] = round(protocol.macro_f1(protocol.confusion(truth, chosen, count)) - beside, 4)
        record["difference_95"] = protocol.difference_95(truth, chosen, reference, count)
    return record


def cost(table: Mapping[str, Row], rounds: int) -> dict[str, dict[str, float]]:
    """CPU time of each row's extraction in times that of `columns.LLD50`: median and quartiles over the rounds.

    In every round each row runs between two runs of the yardstick, so that whatever slows the machine slows both.
    """
    sound, yardstick = signal(SECONDS), Describer(LLD50)
    works = {title: Describer(part_of_wide(row.names)) for title, row in table.items()}
    ratios: dict[str, list[float]] = {title: [] for title in works}
    gc.collect()
    before = _cpu_s(yardstick, sound)
    for _ in range(rounds):
        for title, work in works.items():
            spent, after = _cpu_s(work, sound), _cpu_s(yardstick, sound)
            ratios[title].append(2 * spent / (before + after))
            before = after
    quartiles = {title: np.percentile(own, [25, 50, 75]).round(3).tolist() for title, own in ratios.items()}
    return {title: dict(zip(("lower", "median", "upper"), own, strict=True)) for title, own in quartiles.items()}


def part_of_wide(names: Sequence[str]) -> Columns:
    """Those of the columns of `columns.WIDE`, by the extractors that give them there."""
    parts = [Part(part.config, tuple(name for name in part.names if name in names)) for part in WIDE.parts]
    return Columns(tuple(part for part in parts if part.names))


def signal(seconds: float) -> NDArray[np.float32]:
    """Steady tones in noise: what an extractor does takes the same time whatever it hears, but for peaks."""
    rng, rate = np.random.default_rng(0), features.FeatureConfig().sample_rate
    time_s = np.arange(int(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * tone_hz * time_s) for tone_hz in TONES_HZ)
    return np.asarray(0.05 * tones + 0.05 * rng.standard_normal(len(time_s)), dtype=np.float32)


def _cpu_s(work: Describer, sound: NDArray[np.float32]) -> float:
    start = time.process_time()
    work.describe([sound])
    return time.process_time() - start


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that other evaluations do not have."""
    parser.add_argument("--rounds", type=int, default=31, help="in which the cost is measured")


def command(options: argparse.Namespace, cache: FeatureCache) -> None:
    """Judge every row on every set that has no official split, and write the report.

    Descriptors are kept in the cache's folder; its columns do not matter.

    Raises
    ------
    DataError
        The data cannot be used, or there are to be no rounds.
    """
    if options.rounds < 1:
        raise datasets.DataError(f"--rounds is {options.rounds}, at least one is needed")
    sets = [data for data in datasets.load(options.data) if not any(clip.split for clip in data.clips)]
    if any(data.name == "emotify" for data in sets):
        sets.append(datasets.load_emotify_strongest(options.data / "emotify"))
    if not sets:
        raise datasets.DataError(f"{options.data}: no set that is judged by folds")
    wide = FeatureCache(cache.folder, WIDE)
    ablation_report.write(options.reports, run([Table.of(data, wide) for data in sets], options.rounds))
