"""Learning what speech is: weights of toy clips, folds that share no voice, talk put together, and the report."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")

from converters import datasets, speech, speech_clips, speech_voices
from converters.speech_clips import Origin, Sound
from converters.speech_texts import SENTENCES
from edgemood.domain import FeatureSequence
from edgemood.speech import Term, Weights, read_weights

NAMES = ("energy_max", "a", "b")
KINDS = (Term("a", "mean"), Term("b", "mean"))


def sounds(count=200, seed=0):
    """Speech has a higher `a`; `b` says nothing."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        talks = i % 2 == 0
        values = rng.normal([1, 3.0 if talks else 0.0, 0], [0, 1, 1], (8, 3)).astype(np.float32)
        values[:, 0] = 1
        source = f"voice {i % 6}" if talks else "4qaed"
        origin = Origin(source, f"family {i % 10 // 2}" if talks else f"artist {i}", talks, i % 10 // 2)
        times = np.arange(8.0)
        made.append(Sound(f"4qaed/{i}" if not talks else f"{source}/{i}", "plain", origin, _rows(values, times)))
    return made


def _rows(values, times):
    return FeatureSequence(values, times, times + 3, NAMES, "1")


def test_weights_find_what_tells():
    material = speech.Material(sounds(), KINDS)
    weights = material.fit(np.ones(200, bool))
    a, b = weights.terms
    assert a.weight > 5 * abs(b.weight)
    called = speech.odds(weights, material.values) > 0
    assert (called == material.speech).mean() > 0.98


def test_values_beyond_those_learned_from_are_cut():
    weights = Weights((Term("a", "mean", 0, 2, 3.0),), 1.0)
    np.testing.assert_allclose(speech.odds(weights, np.array([[-5.0], [1.0], [99.0]])), [1, 4, 7])


def test_the_constant_loses_as_much_music_as_allowed():
    music = np.random.default_rng(1).normal(size=4000)
    weights = speech.moved(Weights((), 0.7), music)
    lost = (music + weights.constant - 0.7 > 0).mean()
    assert lost == pytest.approx(speech.MUSIC_LOST, abs=2 / 4000)


def test_families_count_alike():
    talks = np.array([True] * 12 + [False] * 8)
    share = speech._shares(talks, ["one"] * 10 + ["two"] * 2 + ["x"] * 8)
    assert share[:10].sum() == pytest.approx(share[10:12].sum()) == pytest.approx(5)
    assert share[12:].sum() == pytest.approx(10)


def test_judged_by_weights_that_heard_neither_artist_nor_family():
    """Speech of one fold that is the opposite of all other speech is taken for music."""
    made = sounds()
    turned = []
    for sound in made:
        values = sound.sequence.values.copy()
        if sound.origin.speech and sound.origin.fold == 3:
            values[:, 1] -= 9
        turned.append(Sound(sound.key, sound.condition, sound.origin, _rows(values, np.arange(8.0))))
    material = speech.Material(turned, KINDS)
    raw, _ = material.judged()
    strange = material.speech & (material.fold == 3)
    assert (raw[strange] < 0).all()
    assert (raw[material.speech & ~strange] > 0).mean() > 0.8


def test_silent_clips_are_left_out():
    made = sounds(20)
    silent = Sound("4qaed/x", "plain", made[1].origin, _rows(np.zeros((8, 3), np.float32), np.arange(8.0)))
    assert len(speech.Material([*made, silent], KINDS).sounds) == 20


def test_rates_by_name_and_condition():
    made = sounds(8)
    found = speech.rates(made, np.array([True] * 4 + [False] * 4), lambda s: "" if s.origin.speech else s.origin.source)
    assert found == [{"of": "4qaed", "condition": "plain", "clips": 4, "speech": 0.5}]


def test_written_weights_are_read_again(tmp_path):
    weights = speech.Material(sounds(), KINDS).fit(np.ones(200, bool))
    speech.write_weights(tmp_path / "w.json", [weights, Weights((Term("a/b", "sd", 0, 1, 2),), -1)])
    assert read_weights(tmp_path / "w.json")[0] == weights
    assert len(read_weights(tmp_path / "w.json")) == 2


def test_the_page_has_every_figure():
    _, found = speech.learn(sounds(), KINDS)
    del found["log_odds"]
    kind = found | {"people": [], "genres": [{"genre": "Rap", "clips": 3, "speech": 0.0}]}
    text = speech.page({"title": "T", "protocol": ["P"], "kinds": {"one": kind}})
    assert "of 100 |" in text and "voices" in text and "family 3" in text and "| Rap | 3 | 0.0% |" in text
    json.dumps(kind)


def test_genres_of_clips(tmp_path):
    table = tmp_path / "clips.csv"
    table.write_text("file,genres\na.opus,Rap; Jazz\nb.opus,Rap\n")
    found = speech.by_genre(table, {"4qaed/a": 1.0, "4qaed/b": -1.0})
    assert found == [{"genre": "Rap", "clips": 2, "speech": 0.5}, {"genre": "Jazz", "clips": 1, "speech": 1.0}]


@pytest.fixture
def spoken(tmp_path):
    """Three files of half a second to two, at another rate."""
    folder = tmp_path / "people" / "someone"
    folder.mkdir(parents=True)
    for i, seconds in enumerate((0.5, 1.0, 2.0)):
        samples = np.sin(np.arange(int(16_000 * seconds)) * 0.1 * (i + 1))
        soundfile.write(folder / f"{i}.wav", 0.3 * samples, 16_000)
    return tmp_path / "people"


def test_recordings_of_people(spoken):
    found = speech_voices.recorded(spoken)
    assert [path.name for path in found["someone"]] == ["1.wav", "2.wav"]  # a single word is left out


def test_no_recordings(tmp_path):
    with pytest.raises(datasets.DataError, match="WAV"):
        speech_voices.recorded(tmp_path)


def test_talk_has_pauses_its_length_and_repeats(spoken):
    files = speech_voices.recorded(spoken)["someone"]
    one, other = (list(speech_voices.talks(files, 3, 8.0, seed=5)) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)
        assert len(first) == 8 * speech_voices.RATE_HZ
        assert 0.05 < np.abs(first).max() <= 0.8
        assert (np.convolve(first == 0, np.ones(1500), "valid") == 1500).any()
    assert not np.array_equal(one[0], one[1])


def test_voices_have_sentences_to_read_and_names_of_their_own():
    assert {voice.language for voice in speech_voices.VOICES} <= set(SENTENCES)
    assert len({voice.key for voice in speech_voices.VOICES}) == len(speech_voices.VOICES)
    for voice in speech_voices.VOICES:
        for text in SENTENCES[voice.language]:
            assert text.encode(voice.encoding, "replace").count(b"?") <= text.count("?")


def test_a_synthesiser_that_is_missing_is_passed_over(tmp_path):
    nobody = speech_voices.Voice("no-such-program", "x", "en", "none")
    assert speech_voices.sentences(nobody, tmp_path / "x") == []


def test_telephone_and_bed():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=44_100).astype(np.float32)
    power = np.abs(np.fft.rfft(speech_clips.telephone(noise, 22_050, 0))) ** 2
    freq_hz = np.fft.rfftfreq(44_100, 1 / 22_050)
    inside = (freq_hz > 310) & (freq_hz < 3390)
    assert power[inside].sum() > 0.98 * power.sum()
    mixed = speech_clips.over(np.ones(10, np.float32), noise, 22_050, 3)
    under = 20 * np.log10(noise.std() / np.abs(mixed - noise).mean())
    assert speech_clips.BED_DB[0] <= under <= speech_clips.BED_DB[1]


def test_descriptors_are_kept(tmp_path, monkeypatch):
    clips = speech_clips.Clips(tmp_path)
    samples = np.random.default_rng(1).normal(0, 0.1, 5 * 22_050).astype(np.float32)
    origin = Origin("4qaed", "x", False, 0)
    first = clips.changed("key", origin, samples)
    monkeypatch.setattr(clips, "_describer", speech_clips.Describer(speech_clips.WIDE))
    monkeypatch.setattr(clips._describer, "describe", None)  # would fail if it were asked
    again = clips.changed("key", origin, samples)
    np.testing.assert_array_equal(first.sequence.values, again.sequence.values)
    assert first.condition == again.condition in speech_clips.CONDITIONS
