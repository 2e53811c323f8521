"""Speech-likeness: what its terms compute, what it may not depend on, and what the shipped weights say of sounds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemood import audio, mood, speech
from edgemood.describe import Describer
from edgemood.domain import FeatureSequence
from edgemood.errors import BundleError
from edgemood.features import Extractor, FeatureConfig, set_names

RATE_HZ = 22_050
EXAMPLES = Path(__file__).parent.parent / "examples" / "music"


def sequence(names: tuple[str, ...], *rows: tuple[float, ...]) -> FeatureSequence:
    times = np.arange(len(rows), dtype=np.float64)
    return FeatureSequence(np.array(rows, np.float32).reshape(len(rows), len(names)), times, times + 3, names, "1")


def described(samples: np.ndarray, columns: str = "lld84") -> FeatureSequence:
    names = set_names(columns)
    extractor = Extractor(FeatureConfig(output="segments"), names)
    rows = np.concatenate([extractor.push(samples.astype(np.float32)), extractor.finish()])
    return sequence(tuple(names), *map(tuple, rows))


def talk(seconds: float, seed: int = 0) -> np.ndarray:
    """Syllables of a gliding voice through two moving resonances, hiss between some, and pauses after phrases."""
    rng = np.random.default_rng(seed)
    pieces: list[np.ndarray] = []
    while sum(map(len, pieces)) < seconds * RATE_HZ:
        for _ in range(rng.integers(4, 9)):
            pieces.append(_syllable(rng))
        pieces.append(np.zeros(round(rng.uniform(0.3, 0.7) * RATE_HZ)))
    return np.concatenate(pieces)[: round(seconds * RATE_HZ)]


def _syllable(rng: np.random.Generator) -> np.ndarray:
    length = round(rng.uniform(0.09, 0.2) * RATE_HZ)
    t = np.arange(length) / RATE_HZ
    pitch = rng.uniform(95, 160) * np.exp2(rng.uniform(-2, 1.5) * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    first, second = rng.uniform(300, 800), rng.uniform(900, 2300)
    voice = sum(
        np.sin(k * phase)
        * (np.exp(-(((k * 125 - first) / 150) ** 2)) + 0.5 * np.exp(-(((k * 125 - second) / 250) ** 2)))
        for k in range(1, 30)
    )
    voice = voice * np.hanning(length)
    hiss = np.diff(rng.normal(0, 0.12, round(rng.uniform(0.03, 0.1) * RATE_HZ) + 1)) * rng.integers(0, 2)
    return np.concatenate([hiss * np.hanning(len(hiss)), voice])


def chords(seconds: float, seed: int = 0) -> np.ndarray:
    """Two seconds of each chord, with a pulse of noise twice a second."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    root = 220 * np.exp2(rng.integers(0, 12, int(seconds) + 1) / 12)[(t / 2).astype(int)]
    phase = 2 * np.pi * np.cumsum(root) / RATE_HZ
    tones = sum(np.sin(k * share * phase) / k for share in (1, 1.26, 1.5) for k in range(1, 6))
    return 0.1 * tones + 0.15 * rng.normal(size=len(t)) * np.exp(-25 * (t % 0.5))


def test_a_mean_and_a_deviation() -> None:
    song = sequence(("energy_max", "a"), (1, 2), (1, 4), (1, 9))
    mean, sd = speech.summary(song, [speech.Term("a", "mean"), speech.Term("a", "sd")])
    assert mean == pytest.approx(5)
    assert sd == pytest.approx(np.std([2, 4, 9]))


def test_two_columns_are_the_log_of_their_ratio() -> None:
    song = sequence(("energy_max", "a", "b"), (1, 2, 8), (1, 3, 3))
    assert speech.summary(song, [speech.Term("a/b", "mean")])[0] == pytest.approx(np.log(2 / 8) / 2)


def test_silent_and_damaged_rows_do_not_count() -> None:
    song = sequence(("energy_max", "a"), (1, 2), (1e-9, 700), (1, np.nan), (1, 4))
    assert speech.summary(song, [speech.Term("a", "mean")])[0] == 3


def test_nothing_sounds() -> None:
    assert speech.summary(sequence(("energy_max", "a"), (0, 1)), [speech.Term("a", "mean")]) is None
    assert speech.summary(sequence(("energy_max", "a")), [speech.Term("a", "mean")]) is None
    assert speech.likeness(described(np.zeros(RATE_HZ * 5))) is None


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no column b, energy_max"):
        speech.summary(sequence(("a",), (1,)), [speech.Term("b", "mean")])


def test_other_columns_tell_nothing() -> None:
    assert speech.likeness(sequence(("energy_max", "a"), (1, 2))) is None


def test_weights_of_each_shipped_bundle() -> None:
    best, plain = speech.read_weights(speech.WEIGHTS)
    assert best.columns <= set(mood.load("default").names)
    assert plain.columns <= set(mood.load("paper").names)
    assert not best.columns <= set(mood.load("paper").names)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("columns", ["lld84", "lld50"])
def test_talk_is_more_like_speech_than_chords(seed: int, columns: str) -> None:
    spoken, played = (speech.likeness(described(make(20, seed), columns)) for make in (talk, chords))
    assert spoken > 10 * played
    assert played < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_talk_is_speech(seed: int) -> None:
    assert speech.likeness(described(talk(20, seed))) > 0.5


@pytest.mark.parametrize("name", ["tyler-johnson_sad", "maxstack_through-space", "jeremy-nicoll_vengeful-pursuit"])
def test_music_is_not(name: str) -> None:
    samples = audio.load(str(EXAMPLES / f"{name}.ogg"), RATE_HZ)[: 30 * RATE_HZ]
    assert speech.likeness(described(samples)) < 0.5


@pytest.mark.parametrize("gain_db", [-30, -12, 6])
def test_loudness_says_nothing(gain_db: float) -> None:
    plain = talk(10)
    one, other = (speech.likeness(described(samples)) for samples in (plain, plain * 10 ** (gain_db / 20)))
    assert other == pytest.approx(one, abs=0.05)


def test_order_says_nothing() -> None:
    song = described(talk(12))
    turned = replace(song, values=song.values[::-1].copy())
    assert speech.likeness(turned) == pytest.approx(speech.likeness(song))


def test_the_default_bundles_rows_tell() -> None:
    describer = Describer(mood.load("default"))
    assert describer.sample_rate == RATE_HZ
    rows = describer.describe([talk(12).astype(np.float32)])
    assert speech.likeness(rows) == pytest.approx(speech.likeness(described(talk(12))), abs=1e-6)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"weights": [{}]}', '{"weights": [{"terms": [{"nam": 1}], "constant": 0}]}']
)
def test_damaged_weights_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "speech.json"
    path.write_text(content)
    with pytest.raises(BundleError, match=r"speech\.json"):
        speech.read_weights(path)


def test_weights_survive_json(tmp_path: Path) -> None:
    path = tmp_path / "speech.json"
    term = {"name": "a/b", "statistic": "sd", "low": -1.0, "high": 2.5, "weight": -3.25}
    path.write_text(json.dumps({"weights": [{"terms": [term], "constant": 0.5}]}))
    (weights,) = speech.read_weights(path)
    assert weights == speech.Weights((speech.Term("a/b", "sd", -1, 2.5, -3.25),), 0.5)
    assert weights.columns == {"a", "b"}
