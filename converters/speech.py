"""Learn to tell speech from music: ``python -m converters.speech --data DIR --music FOLDER --beds FOLDER``.

Speech is that of synthesisers (`converters.speech_voices`), music the labelled clips below DIR and what is in FOLDER;
both under codecs, in rooms, over the telephone, and voices over music, too. Each clip is judged by weights that were
learned without its artist or its family of voices. ``--people FOLDER`` judges recordings of people, a folder each, of
which nothing is ever learned. The weights go to ``src/edgemood/speech.json``, the figures to the reports.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from converters import datasets, report
from converters.speech_clips import PLAIN, SETS, Clips, Sound, labelled, music, people, talk
from edgemood.errors import AudioError
from edgemood.speech import WEIGHTS, Term, Values, Weights, summary

#: Columns whose mean over the rows may tell, and ratios of energies, which are the same at every level.
FRAME_COLUMNS = (
    "energy_sd/energy_mean",
    "energy_median/energy_mean",
    "energy_min/energy_mean",
    "energy_low_share",
    "energy_skewness",
    "f0_voiced_share",
    "f0_sd/f0_mean",
    "f0_max/f0_mean",
    "f0_min/f0_mean",
    "hnr_mean",
    "spectral_flux_mean",
    "spectral_centroid_sd/spectral_centroid_mean",
    "zcr_sd/zcr_mean",
    "zcr_median/zcr_mean",
    "zcr_skewness",
    "zcr_kurtosis",
)
ENVELOPE_COLUMNS = (
    *(f"modulation_{group}_{band}" for group in range(1, 6) for band in range(1, 5)),
    *(f"mfcc_{i}_delta_sd" for i in range(1, 8)),
)
STEADINESS = ("energy_sd/energy_mean", "energy_low_share", "f0_voiced_share", "hnr_mean", "spectral_flux_mean")
#: Share of music that may be called speech.
MUSIC_LOST = 0.0025
PENALTY = 1.0  # C of the logistic regression
_CUT = 0.005  # of the values of a term at either end


def terms(columns: Sequence[str]) -> tuple[Term, ...]:
    """The terms to learn weights for: means, and for some the deviation between rows."""
    return tuple(Term(name, "mean") for name in columns) + tuple(Term(name, "sd") for name in STEADINESS)


#: What weights may be made of, the best first: of columns of `default`, and of those of `paper`.
KINDS: Mapping[str, tuple[Term, ...]] = {
    "with envelopes": terms(FRAME_COLUMNS + ENVELOPE_COLUMNS),
    "frames only": terms(FRAME_COLUMNS),
}


def fit(values: Values, speech: NDArray[np.bool_], groups: Sequence[str], kinds: Sequence[Term]) -> Weights:
    """Weights by logistic regression; families of voices count alike, and speech as much as music."""
    low, high = np.quantile(values, [_CUT, 1 - _CUT], axis=0)
    cut = np.clip(values, low, high)
    middle, spread = cut.mean(axis=0), np.maximum(cut.std(axis=0), 1e-6)
    machine = LogisticRegression(C=PENALTY, max_iter=2000)
    machine.fit((cut - middle) / spread, speech, sample_weight=_shares(speech, groups))
    weight = machine.coef_[0] / spread
    constant = float(machine.intercept_[0] - weight @ middle)
    return Weights(
        tuple(
            Term(term.name, term.statistic, *(float(f"{value:.5g}") for value in row))
            for term, row in zip(kinds, np.stack([low, high, weight], axis=1), strict=True)
        ),
        round(constant, 4),
    )


def _shares(speech: NDArray[np.bool_], groups: Sequence[str]) -> Values:
    """How much each clip counts: its class half of all, families of voices alike within theirs."""
    _, family, sizes = np.unique(np.where(speech, groups, "music"), return_inverse=True, return_counts=True)
    share = 1 / sizes[family]
    share[speech] /= share[speech].sum()
    return np.asarray(share * len(speech) / 2)


def odds(weights: Weights, values: Values) -> Values:
    """Log-odds of clips' values, float64 ``[clips]``."""
    low, high, weight = (np.array([getattr(term, of) for term in weights.terms]) for of in ("low", "high", "weight"))
    return np.asarray(np.clip(values, low, high) @ weight + weights.constant)


def moved(weights: Weights, odds_of_music: Values) -> Weights:
    """The same weights with the constant at which `MUSIC_LOST` of music has a probability above one half."""
    return Weights(weights.terms, round(weights.constant - float(np.quantile(odds_of_music, 1 - MUSIC_LOST)), 4))


class Material:
    """Clips' values for one kind of weights."""

    def __init__(self, sounds: Sequence[Sound], kinds: tuple[Term, ...]) -> None:
        found = [(sound, values) for sound in sounds if (values := summary(sound.sequence, kinds)) is not None]
        self.sounds, self.kinds = [sound for sound, _ in found], kinds
        self.values = np.array([values for _, values in found])
        self.speech = np.array([sound.origin.speech for sound in self.sounds])
        self.fold = np.array([sound.origin.fold for sound in self.sounds])
        self.music = ~self.speech & np.array([sound.origin.source in SETS for sound in self.sounds])

    def fit(self, chosen: NDArray[np.bool_]) -> Weights:
        """Weights from some of the clips."""
        groups = [sound.origin.group for sound, is_so in zip(self.sounds, chosen, strict=True) if is_so]
        return fit(self.values[chosen], self.speech[chosen], groups, self.kinds)

    def judged(self) -> tuple[Values, Values]:
        """Log-odds of every clip by weights that heard neither its artist nor its family of voices.

        First those that the weights give; then those whose constant, too, was set by the other folds' music.
        """
        raw = np.zeros(len(self.sounds))
        for k in range(datasets.N_FOLDS):
            raw[self.fold == k] = odds(self.fit(self.fold != k), self.values[self.fold == k])
        placed = raw.copy()
        for k in range(datasets.N_FOLDS):
            placed[self.fold == k] -= np.quantile(raw[self.music & (self.fold != k)], 1 - MUSIC_LOST)
        return raw, placed


def learn(sounds: Sequence[Sound], kinds: tuple[Term, ...]) -> tuple[Weights, dict[str, Any]]:
    """Weights from all clips, and how such weights do on clips they never heard."""
    material = Material(sounds, kinds)
    raw, placed = material.judged()
    weights = moved(material.fit(np.ones(len(material.sounds), bool)), raw[material.music])
    above = raw[material.speech][:, None] > raw[~material.speech][None, :]
    plain = {s.key: float(p) for s, p in zip(material.sounds, placed, strict=True) if s.condition == PLAIN}
    music_first = sorted((key for key in plain if key.startswith(SETS)), key=lambda key: -plain[key])
    return weights, {
        "speech_above_music": round(float(above.mean()), 4),
        "sources": rates(material.sounds, placed > 0, lambda s: "voices" if s.origin.speech else s.origin.source),
        "families": rates(material.sounds, placed > 0, lambda s: s.origin.group if s.origin.speech else ""),
        "most_like_speech": {key: round(plain[key], 2) for key in music_first[:10]},
        "log_odds": plain,
    }


def rates(sounds: Sequence[Sound], called: NDArray[np.bool_], of: Callable[[Sound], str]) -> list[dict[str, Any]]:
    """How many clips there are and the share called speech, by what `of` says of them and by condition.

    Those of which it says nothing are left out.
    """
    found: dict[tuple[str, str], list[bool]] = {}
    for sound, is_so in zip(sounds, called, strict=True):
        if name := of(sound):
            found.setdefault((name, sound.condition), []).append(bool(is_so))
    return [
        {"of": name, "condition": condition, "clips": len(each), "speech": round(float(np.mean(each)), 4)}
        for (name, condition), each in sorted(found.items())
    ]


def judge_people(weights: Weights, sounds: Sequence[Sound]) -> list[dict[str, Any]]:
    """Rates of people, speaker by speaker, by weights that never heard a person."""
    material = Material(sounds, weights.terms)
    return rates(material.sounds, odds(weights, material.values) > 0, lambda sound: sound.origin.source)


def by_genre(table: Path, log_odds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Of each genre that 4QAED names, how many clips there are and the share whose log-odds are above 0."""
    called: dict[str, list[bool]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for genre in filter(None, map(str.strip, row["genres"].split(";"))):
                called.setdefault(genre, []).append(log_odds[f"4qaed/{Path(row['file']).stem}"] > 0)
    ordered = sorted(called.items(), key=lambda item: (-len(item[1]), item[0]))
    return [{"genre": name, "clips": len(each), "speech": round(float(np.mean(each)), 4)} for name, each in ordered]


def write_weights(path: Path, learned: Sequence[Weights]) -> None:
    """Write what `edgemood.speech.read_weights` reads."""
    kinds = []
    for weights in learned:
        lines = ",\n".join(json.dumps(asdict(term)) for term in weights.terms)
        kinds.append(f'{{"constant": {weights.constant}, "terms": [\n{lines}\n]}}')
    path.write_text('{"weights": [\n' + ",\n".join(kinds) + "\n]}\n", encoding="utf-8")


def page(contents: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    lines = [f"# {contents['title']}", "", *contents["protocol"], ""]
    for name, kind in contents["kinds"].items():
        lines += [f"## Weights {name}", "", f"Speech above music in {kind['speech_above_music']:.2%} of pairs.", ""]
        for key in ("sources", "families", "people"):
            if rows := kind.get(key):
                table = _wide(rows)
                lines += [*report.table([key, *table[0]], table[1:]), ""]
        if kind.get("genres"):
            rows = [[g["genre"], g["clips"], f"{g['speech']:.1%}"] for g in kind["genres"]]
            lines += [*report.table(["genre of 4QAED", "clips", "called speech"], rows), ""]
        listed = ", ".join(f"{key} ({value:+.1f})" for key, value in kind["most_like_speech"].items())
        lines += [f"Labelled music most like speech (log-odds): {listed}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _wide(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Conditions side by side, under their names: the share called speech, of how many."""
    conditions = sorted({row["condition"] for row in rows}, key=lambda name: (name != PLAIN, name))
    cells = {(row["of"], row["condition"]): f"{row['speech']:.1%} of {row['clips']}" for row in rows}
    names = list(dict.fromkeys(row["of"] for row in rows))
    return [conditions, *([name, *(cells.get((name, condition), "") for condition in conditions)] for name in names)]


PROTOCOL = (
    "Shares of 30 s clips called speech. Five folds: each clip is judged by weights that heard neither its artist nor",
    "its family of voices, at a threshold set by the labelled music of the other folds, of which "
    f"{MUSIC_LOST:.2%} may be called speech.",
    "Voices are speech synthesisers: a proxy of people. `people` are recordings of people, never learned from.",
    "Music under voices is 8 to 20 dB below them. Codec: MP3 at 64 kbit/s; low-pass: 8 kHz; room: see robustness.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, judge, write the weights and the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the labelled sets")
    parser.add_argument("--music", type=Path, nargs="*", default=[], help="folders of more music")
    parser.add_argument("--beds", type=Path, default=Path("examples/music"), help="music to be put under voices")
    parser.add_argument("--people", type=Path, help="recordings of people, a folder of WAV each, to judge by")
    parser.add_argument("--cache", type=Path, default=Path("build/features"), help="where descriptors are kept")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except (datasets.DataError, AudioError) as error:
        parser.error(str(error))


def _run(options: argparse.Namespace) -> None:
    clips, beds = Clips(options.cache), sorted(options.beds.glob("*.ogg"))
    sounds = list(talk(clips, options.cache, beds))
    if not sounds:
        raise datasets.DataError("no speech synthesiser is installed: see converters/speech_voices.py")
    sounds += [*labelled(clips, options.cache, options.data), *music(clips, options.music)]
    heard = list(people(clips, options.people, beds)) if options.people else []
    table = options.data / "4qaed" / "clips.csv"
    learned, kinds = [], {}
    for name, candidates in KINDS.items():
        weights, found = learn(sounds, candidates)
        log_odds = found.pop("log_odds")
        found["people"] = judge_people(weights, heard) if heard else []
        found["genres"] = by_genre(table, log_odds) if table.is_file() else []
        learned.append(weights)
        kinds[name] = found
    write_weights(options.out, learned)
    contents = {"title": "Telling speech from music", "protocol": list(PROTOCOL), "kinds": kinds}
    report.put(options.reports / "speech.json", contents, page(contents))


if __name__ == "__main__":
    main()
