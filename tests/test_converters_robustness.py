"""Conditions do what they say, and the report says how often moods stay what they were."""

import inspect
import json
import pickle
import zlib

import numpy as np
import pytest
import soundfile

from converters import datasets, degrade, protocol, synth
from edgemood import audio

RATE = 22_050
CODECS = ("mp3-128", "mp3-64", "opus-48")


@pytest.fixture(scope="module")
def music():
    """Notes with onsets and noise up to half the rate, peak below full scale."""
    quiet = synth.clip("happy", 13, seed=3) + 0.3 * synth.clip("nervous", 13, seed=4)
    return (0.5 * quiet / np.abs(quiet).max()).astype(np.float32)


@pytest.fixture(scope="module")
def changed(music):
    return {name: change(music, RATE, 7) for name, change in degrade.CONDITIONS.items()}


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


def band_db(samples, low_hz, high_hz):
    freq_hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return 10 * np.log10(np.sum(np.abs(np.fft.rfft(samples)[(freq_hz >= low_hz) & (freq_hz < high_hz)]) ** 2) + 1e-30)


def lag(samples, reference):
    """By how many samples the first is late, from the peak of the cross-correlation."""
    size = 1 << (len(samples) + len(reference)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(reference, size))
    at = int(np.argmax(np.fft.irfft(spectrum, size)))
    return at if at < size // 2 else at - size


@pytest.mark.parametrize("name", degrade.CONDITIONS)
def test_a_condition_is_repeatable_aligned_and_described(name, music, changed):
    found = changed[name]
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.array_equal(found, degrade.CONDITIONS[name](music, RATE, 7))
    reference = music if name != "10s" else music[(len(music) - 10 * RATE) // 2 :][: 10 * RATE]
    assert len(found) == len(reference)
    assert abs(lag(found, reference)) <= 1
    assert not np.array_equal(found, music)
    assert inspect.getdoc(degrade.CONDITIONS[name])


@pytest.mark.parametrize("name", degrade.CONDITIONS)
def test_a_condition_takes_silence_and_odd_lengths(name):
    change = degrade.CONDITIONS[name]
    silent = change(np.zeros(4_321, np.float32), RATE, 0)
    assert len(silent) == 4_321
    assert np.abs(silent).max() < 1e-4
    for length in (1, 1_151, 1_153, 22_051):
        assert len(change(np.full(length, 0.25, np.float32), RATE, 0)) == length


@pytest.mark.parametrize("name", ["stereo", "room"])
def test_what_is_random_follows_the_seed(name, music, changed):
    assert not np.array_equal(changed[name], degrade.CONDITIONS[name](music, RATE, 8))


def test_codecs_lose_more_the_fewer_bits_they_have(music, changed):
    kept_db = {name: level_db(music) - level_db(changed[name] - music) for name in CODECS}
    assert kept_db["mp3-128"] > kept_db["mp3-64"] > 5
    assert kept_db["opus-48"] > 5
    for name in CODECS:
        assert level_db(changed[name]) == pytest.approx(level_db(music), abs=1)


@pytest.mark.parametrize(
    ("codec", "highest"), [(degrade.mp3_128, 1.02), (degrade.mp3_64, 1.02), (degrade.opus_48, 1.7)]
)
def test_codecs_are_given_the_bits_they_are_named_after(codec, highest, music, monkeypatch):
    sizes = []
    encode = degrade._encode

    def watched(samples, how):
        media = encode(samples, how)
        sizes.append(len(media.getvalue()) * 8 / (len(samples) / how.rate_hz) / how.bit_rate)
        return media

    monkeypatch.setattr(degrade, "_encode", watched)
    codec(music, RATE, 0)
    assert len(sizes) == 1
    assert 0.8 < sizes[0] < highest  # Opus spends more than asked for on tones


def test_gain(music, changed):
    assert level_db(changed["gain-20dB"]) - level_db(music) == pytest.approx(-20, abs=0.001)


def test_clipping_cuts_what_12_db_drive_beyond_full_scale(music, changed):
    driven = music / np.abs(music).max() * 10 ** (12 / 20)
    over = np.abs(driven) > 1
    assert 0.01 < over.mean() < 0.9
    assert np.array_equal(np.abs(changed["clipping"]) == 1, over)
    assert np.allclose(changed["clipping"][~over], driven[~over], rtol=1e-5)


def test_the_low_pass_is_steep(music, changed):
    noise = np.random.default_rng(0).normal(0, 0.1, len(music)).astype(np.float32)
    found = degrade.low_passed(noise, RATE, 0)
    assert band_db(found, 0, 7_700) == pytest.approx(band_db(noise, 0, 7_700), abs=0.01)
    assert band_db(found, 8_300, RATE) < band_db(noise, 8_300, RATE) - 60
    assert band_db(changed["lowpass-8k"], 8_300, RATE) < band_db(music, 8_300, RATE) - 30


def test_ten_seconds_are_the_middle_ones_and_what_is_shorter_stays():
    ramp = np.arange(12 * RATE, dtype=np.float32)
    assert np.array_equal(degrade.ten_seconds(ramp, RATE, 0), ramp[RATE : 11 * RATE])
    assert np.array_equal(degrade.ten_seconds(ramp[: 9 * RATE], RATE, 0), ramp[: 9 * RATE])


def test_stereo_is_wide_and_mixed_down_as_files_are(music, changed, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, len(music)).astype(np.float32)
    for seed in range(5):
        left, right = degrade.sides(noise, RATE, seed).T
        assert np.array_equal(left, noise)
        assert level_db(right) == pytest.approx(level_db(left), abs=0.1)
        assert abs(np.corrcoef(left, right)[0, 1]) < 0.5
    for name, sides in (("wide", degrade.sides(music, RATE, 7)), ("alike", np.stack([music, music], axis=1))):
        soundfile.write(tmp_path / f"{name}.wav", sides, RATE, subtype="FLOAT")
    assert np.allclose(audio.load(tmp_path / "wide.wav", RATE), changed["stereo"], atol=1e-6)
    assert np.array_equal(audio.load(tmp_path / "alike.wav", RATE), music)  # what a stereo file of mono music gives


def test_the_room_decays_as_it_says():
    for seed in range(3):
        echo = degrade.impulse_response(RATE, seed)
        assert echo[0] == 1
        assert np.sum(echo[1:] ** 2) == pytest.approx(1)
        left = np.cumsum(echo[:0:-1] ** 2)[::-1]  # Schroeder: the energy still to come
        fall_db = 10 * np.log10(left / left[0])
        first, last = np.argmax(fall_db < -5), np.argmax(fall_db < -35)
        assert 2 * (last - first) / RATE == pytest.approx(degrade.RT60_S, rel=0.1)


def test_the_speaker_has_no_bass_and_the_room_has_pink_noise(music, changed):
    click = np.zeros(RATE, np.float32)
    click[RATE // 4] = 1
    rooms = [degrade.heard(click, RATE, seed) for seed in range(40)]  # on average a room is flat
    at_75_db, above_db = (np.mean([band_db(heard, *band) for heard in rooms]) for band in ((74, 76), (999, 1_001)))
    assert at_75_db - above_db == pytest.approx(-12.3, abs=2)  # an octave below 150 Hz, 12 dB an octave
    music_alone = degrade.heard(music, RATE, 7)
    assert level_db(music_alone) == pytest.approx(level_db(music), abs=0.01)
    added = changed["room"] - music_alone
    assert level_db(added) - level_db(music_alone) == pytest.approx(-20, abs=0.01)
    octaves = [band_db(added, f, 2 * f) for f in (125, 500, 2_000, 5_000)]
    assert max(octaves) - min(octaves) < 2


def test_codecs_without_their_library_say_what_to_install(music, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(datasets.DataError, match=r"edgemood\[av\]"):
        degrade.mp3_64(music, RATE, 0)


# --- the report -------------------------------------------------------------------------------------------------------

MOODS = ("happy", "angry", "sad", "calm")


def same(samples, sample_rate, seed):
    """Nothing."""
    return samples


def all_angry(samples, sample_rate, seed):
    """Every clip becomes the same noisy one."""
    return synth.clip("angry", len(samples) / sample_rate, 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Synthetic clips of the four quadrants by two artists, one to a fold."""
    made = tmp_path_factory.mktemp("robustness")
    synth.write(made / "data", MOODS, 2, seconds=6.0)
    return made


@pytest.fixture(scope="module")
def tried(folder):
    """A tiny model tried under a condition that does nothing and one that makes all clips alike."""
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import cache, fit, network, robustness
    from converters.material import Material

    kept = cache.FeatureCache(folder / "cache")
    material = Material(datasets.load(folder / "data"), kept, 0)
    config = network.NetworkConfig(units=8, layers=1, attention_units=4, dropout=0)
    recipe = fit.Recipe(config, epochs=40, batch_size=4, learning_rate=0.02, mixup=0, variants=0, ema=0)
    trial = robustness.Trial(recipe, 0, {"same": same, "angry": all_angry})
    splits = list(protocol.folds(material.clips))
    return material, trial, splits, robustness.run(material, kept, trial, splits)


def test_nothing_done_changes_nothing_and_all_alike_is_found(tried):
    from converters import judging

    material, trial, splits, record = tried
    same_as, flipped = record["conditions"]["same"], record["conditions"]["angry"]
    judged = judging.judge(material, trial.recipe, trial.seed, splits)["model"]
    assert {key: record["clean"][key] for key in ("macro_f1", "accuracy", "confusion")} == {
        key: judged[key] for key in ("macro_f1", "accuracy", "confusion")
    }
    assert same_as["agreement"] == same_as["agreement_sure"] == 1
    assert same_as["probability_change"] == 0
    assert same_as["macro_f1_change_95"] == [0, 0]
    assert same_as["macro_f1"] == record["clean"]["macro_f1"]
    taken_for = np.array(flipped["confusion"])
    assert len(np.flatnonzero(taken_for.sum(0))) <= len(splits)  # one sound: one mood for each of the two models
    assert flipped["agreement"] <= 0.75
    assert flipped["probability_change"] > 0.05


def test_agreement_by_hand():
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters.robustness import compared

    clean = np.array([[0.9, 0.1, 0], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3], [0.3, 0.3, 0.4]])
    changed = np.array([[0.9, 0.1, 0], [0.7, 0.2, 0.1], [0.4, 0.3, 0.3], [0.4, 0.3, 0.3]])
    found = compared(np.array([0, 1, 0, 2]), clean, changed)
    assert found["agreement"] == 0.5
    assert found["sure"] == 2
    assert found["agreement_sure"] == 0.5
    assert found["probability_change"] == pytest.approx((0.6 + 0.6 + 0.1 + 0.1) / 12, abs=1e-4)
    assert found["macro_f1_change_95"][0] < 0 <= found["macro_f1_change_95"][1]
    assert compared(np.array([0]), clean[2:3], clean[2:3])["agreement_sure"] is None


def test_the_report_holds_models_side_by_side(tried, tmp_path):
    from converters import report, robustness

    material, trial, _, record = tried
    head = robustness.header(material, trial.conditions)
    few = {**record, "clean": record["clean"] | {"macro_f1": 0.7, "macro_f1_95": [0.1, 0.6]}}
    for name, found in (("method", few), ("other", few), ("method", record)):
        report.add(tmp_path / robustness.FILE, head, name, found, (robustness.markdown, robustness.draw))
    contents = json.loads((tmp_path / "robustness.json").read_text())
    assert list(contents["models"]) == ["method", "other"]
    assert contents["models"]["method"] == json.loads(json.dumps(record))
    text = (tmp_path / "robustness.md").read_text()
    assert text.count("| same |") == text.count("| angry |") == 2
    row = next(line for line in text.splitlines() if line.startswith("| same |"))
    assert f"| 1.000 | 1.000 of {record['conditions']['same']['sure']} | 0.000 |" in row
    assert "- **angry**: Every clip becomes the same noisy one." in text
    assert (tmp_path / "robustness.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(datasets.DataError, match="other clips or conditions"):
        report.stored(tmp_path / robustness.FILE, robustness.header(material, {"same": same}))


def test_the_command_adds_a_model_and_refuses_a_report_of_other_clips(folder, tmp_path, monkeypatch, capsys):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import evaluate

    quick = {"gain-20dB": degrade.quiet, "10s": degrade.ten_seconds}
    monkeypatch.setattr(degrade, "CONDITIONS", quick)
    where = ["--cache", str(folder / "cache"), "--reports", str(tmp_path)]
    options = [*where, "--members", "1", "--epochs", "1"]
    evaluate.main(["robustness", "--data", str(folder / "data"), *options, "--columns", "wide"])
    stored = json.loads((tmp_path / "robustness.json").read_text())
    assert list(stored["models"]["wide"]["conditions"]) == list(quick)
    assert stored["models"]["wide"]["settings"]["descriptors"] > 50
    assert stored["models"]["wide"]["conditions"]["10s"]["agreement"] == 1  # clips of 6 s
    synth.write(tmp_path / "more", MOODS, 3, seconds=4.0)
    with pytest.raises(SystemExit):
        evaluate.main(["robustness", "--data", str(tmp_path / "more"), *options, "--name", "again"])
    assert "other clips or conditions" in capsys.readouterr().err


def test_each_changed_sequence_is_computed_once_and_by_its_own_seed(folder, tmp_path):
    from converters.cache import FeatureCache

    (data,) = datasets.load(folder / "data")
    seeds = []

    def watched(samples, sample_rate, seed):
        seeds.append(seed)
        return samples[: 5 * sample_rate]

    cache = FeatureCache(tmp_path)
    found = cache.changed(data.clips[:2], {"a.1": watched, "b.1": watched})
    assert [[len(rows) for rows in versions] for versions in found] == [[2, 2], [2, 2]]
    assert seeds == [zlib.crc32(f"{clip.key}/{name}".encode()) for clip in data.clips[:2] for name in ("a.1", "b.1")]
    cache.changed(data.clips[:2], {"b.1": watched, "c.1": watched})
    assert len(seeds) == 6


def test_columns_with_a_trunk_get_into_another_process(tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    import hashlib

    from test_patches import MEL, SIZE, patch_file

    from converters.columns import WIDE, with_trunk
    from edgemood.features import FeatureConfig

    content, (inputs, outputs) = patch_file()
    (tmp_path / "patch.tflite").write_bytes(content)
    patches = {
        "config": FeatureConfig(output="frames").to_dict(),
        "names": MEL,
        "length": 120,
        "rows": 3,
        "size": SIZE,
        "model": {"file": "patch.tflite", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        "tensors": {"inputs": inputs, "outputs": outputs},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"patches": patches}))
    columns = with_trunk(WIDE, tmp_path)
    copied = pickle.loads(pickle.dumps(columns))
    assert copied.digest == columns.digest
    assert copied.names == columns.names
    frames = np.random.default_rng(0).normal(size=(120, len(MEL))).astype(np.float32)
    assert np.array_equal(copied.patches(frames), columns.patches(frames))
