"""The judge of F0 and HNR, benchmarks/pitch: its measures on cases worked by hand, the truth of its signals."""

import struct

import numpy as np
import pytest

from benchmarks.pitch import recordings
from benchmarks.pitch.agreement import against_judges, against_truth, consensus
from benchmarks.pitch.metrics import agreement, at_times
from benchmarks.pitch.signals import Signal, known_pitch, noisy_tones

RATE = 16000
NOTHING = np.empty(0)


def test_measures_by_hand() -> None:
    """Ten frames: right, 30 cents off, an octave up, an octave down, a fifth up, missed; false alarm; silence."""
    truth = np.array([100, 100, 100, 100, 100, 100, 0, 0, 0, 0], float)
    found = agreement(truth, np.array([100, 100 * 2 ** (30 / 1200), 200, 50, 150, 0, 90, 0, 0, 0], float))
    assert found.voicing_recall == pytest.approx(5 / 6)
    assert found.voicing_false_alarm == pytest.approx(1 / 4)
    assert found.raw_pitch == pytest.approx(2 / 6)
    assert found.raw_chroma == pytest.approx(4 / 6)
    assert (found.gross, found.too_high, found.too_low) == pytest.approx((3 / 5, 2 / 5, 1 / 5))
    assert (found.fine_mean_cents, found.fine_sd_cents) == pytest.approx((15, 15))


def test_nothing_to_count_is_no_score() -> None:
    silence = agreement(np.zeros(5), np.zeros(5))
    assert silence.voicing_false_alarm == 0
    assert np.isnan([silence.voicing_recall, silence.gross, silence.raw_pitch, silence.fine_mean_cents]).all()


def test_contour_at_other_times() -> None:
    times, f0 = np.arange(6.0), np.array([100.0, 110.0, 220.0, 0.0, 80.0, 80.0])
    there = at_times(times, f0, np.array([0.0, 0.5, 1.4, 1.6, 2.6, 4.5, 5.9, 7.5, -2.0]))
    assert there == pytest.approx([100, np.sqrt(100 * 110), 110, 220, 0, 80, 80, 0, 0])
    assert not at_times(NOTHING, NOTHING, np.arange(3.0)).any()


def test_judges_count_only_where_they_agree() -> None:
    times = np.arange(5.0)
    first = (times, np.array([100.0, 200.0, 0.0, 0.0, 300.0]), NOTHING)
    second = (times, np.array([101.0, 400.0, 0.0, 90.0, 300.0]), NOTHING)
    truth, counts = consensus(first, second, times)
    assert counts.tolist() == [True, False, True, False, True]
    assert truth == pytest.approx([np.sqrt(100 * 101), 0, 0, 0, 300])
    found = against_judges([(first, second, (times, np.array([100.5, 7.0, 50.0, 7.0, 600.0]), NOTHING))])
    assert (found.frames, found.raw_pitch, found.gross, found.voicing_false_alarm) == (3, 0.5, 0.5, 1.0)


def test_a_perfect_tracker_is_perfect() -> None:
    signals = known_pitch(RATE)
    truths = {id(signal.samples): signal.f0_hz for signal in signals}

    def perfect(x, rate, hop, f0_min, f0_max):
        at = np.arange(0, len(x), hop)
        return at / rate, truths[id(x)][at], np.zeros(len(at))

    for kind, found in against_truth(signals, perfect, 160).items():
        if kind == "no pitch":
            assert found.voicing_false_alarm == 0, kind
        else:
            assert (found.raw_pitch, found.voicing_recall, found.gross) == (1, 1, 0), kind


def harmonic_share(signals: list[Signal], factor: float) -> float:
    """Of the power of 100-ms voiced stretches: the part that 20 harmonics of `factor` times the F0 explain."""
    harmonic = power = 0.0
    for signal in signals:
        length = signal.rate // 10
        for start in range(0, len(signal.samples) - length, 3 * length):
            f0 = signal.f0_hz[start : start + length] * factor
            if f0.all():
                x = signal.samples[start : start + length].astype(float)
                count = min(20, int(0.45 * signal.rate / f0.max()))
                turns = np.outer(np.arange(1, count + 1), np.cumsum(f0) / signal.rate)
                basis = np.concatenate([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)])
                fitted = x @ basis.T @ np.linalg.solve(basis @ basis.T, basis)
                harmonic, power = harmonic + float(fitted @ fitted), power + float(x @ x)
    return harmonic / power


@pytest.mark.parametrize("name", ["sung, breath 40 dB below", "spoken, noise 40 dB below", "played, sine"])
def test_pitch_is_what_it_is_said_to_be(name: str) -> None:
    """By a fit of harmonics, which knows nothing of how the signals were made."""
    signals = [signal for signal in known_pitch(RATE) if signal.name == name]
    right = harmonic_share(signals, 1.0)
    assert right > 0.85
    assert max(harmonic_share(signals, wrong) for wrong in (0.95, 1.05)) < 0.6 * right


@pytest.mark.parametrize("ratio_db", [0.0, 10.0, 20.0])
def test_noise_is_as_strong_as_it_is_said_to_be(ratio_db: float) -> None:
    tones = [tone for ratio, tone in noisy_tones(RATE, 2000.0) if ratio == ratio_db and tone.f0_hz[0] > 120]
    taken = np.mean([2 * min(20, 2000 / tone.f0_hz[0]) / (2 * 2000 / 10) for tone in tones])
    noise = (1 - harmonic_share(tones, 1.0)) / (1 - taken)  # the fit takes some of the noise too
    assert 10 * np.log10(1 / noise - 1) == pytest.approx(ratio_db, abs=0.7)


def test_signals_repeat() -> None:
    first, second = known_pitch(RATE), known_pitch(RATE)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(first, second, strict=True))
    assert max(np.abs(signal.samples).max() for signal in first) <= 1


def sound_font(names_and_samples: list[tuple[bytes, np.ndarray, int, int]]) -> bytes:
    """As little of a SoundFont 2 file as the reader needs."""
    pool, headers, at = b"", b"", 0
    for name, samples, loop, loop_end in [*names_and_samples, (b"EOS", np.zeros(0, "<i2"), 0, 0)]:
        headers += struct.pack("<20s5IBbHH", name, at, at + len(samples), at + loop, at + loop_end, 8000, 60, 0, 0, 1)
        pool += samples.tobytes()
        at += len(samples)
    chunks = [struct.pack("<4sI", name, len(body)) + body for name, body in ((b"smpl", pool), (b"shdr", headers))]
    lists = b"".join(struct.pack("<4sI4s", b"LIST", len(chunk) + 4, b"list") + chunk for chunk in chunks)
    return struct.pack("<4sI4s", b"RIFF", len(lists) + 4, b"sfbk") + lists


def test_sound_font_is_read(tmp_path) -> None:
    long = (8000 * np.sin(2 * np.pi * 440 * np.arange(6400) / 8000)).astype("<i2")
    path = tmp_path / recordings.SOUND_FONT
    path.parent.mkdir(parents=True)
    path.write_bytes(sound_font([(b"Flute", long, 4800, 5600), (b"Short", long[:400], 0, 400), (b"Bird", long, 0, 1)]))
    (flute,) = recordings.recorded_notes(8000, tmp_path)
    assert (flute.name, len(flute.samples)) == ("Flute", 8000)  # its loop repeated to a second
    assert np.argmax(np.abs(np.fft.rfft(flute.samples))) == 440
    assert flute.samples[:4800] == pytest.approx(long[:4800] / 32768, abs=1e-4)


def test_what_is_missing_is_named(tmp_path) -> None:
    absent = recordings.missing(tmp_path)
    assert {"alsa-utils", "codec2-examples", "asterisk-core-sounds-en-wav", "timgm6mb-soundfont"} <= set(absent)
    assert recordings.recorded_speech(RATE, tmp_path) == recordings.recorded_notes(RATE, tmp_path) == []


def test_music_is_there() -> None:
    assert len(recordings.music(RATE, 0.1)) >= 20
