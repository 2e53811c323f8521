"""Whether "unsure" means it: calibrated probabilities beside how often they are right, in reports and cards."""

import json
from pathlib import Path

import numpy as np
import pytest

from converters import protocol
from edgemood.domain import Mood

REPORTS = Path(__file__).parents[1] / "converters" / "reports"
NEW_KEYS = ("sure", "unsure", "reliability")


def drawn(clips=20_000, labels=4, seed=0):
    """Probabilities that are right as often as they say, and a part for each clip."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(labels), clips)
    truth = np.minimum((probs.cumsum(1) < rng.random((clips, 1))).sum(1), labels - 1)
    return truth, probs, np.arange(clips) % 5


def deceptive(clips=4_000, seed=0):
    """Half of the clips claim 0.9 and are right on 60 %, half claim 0.4 and are right on 80 %: no temperature helps."""
    rng = np.random.default_rng(seed)
    bold = np.arange(clips) % 2 == 0
    best = np.where(bold, 0.9, 0.4)
    right = rng.random(clips) < np.where(bold, 0.6, 0.8)
    chosen = rng.integers(0, 4, clips)
    probs = np.repeat(((1 - best) / 3)[:, None], 4, axis=1)
    probs[np.arange(clips), chosen] = best
    truth = np.where(right, chosen, (chosen + rng.integers(1, 4, clips)) % 4)
    return truth, probs, np.arange(clips) // 2 % 5


def test_a_reliability_table_by_hand():
    probs = np.array([[0.5, 0.5], [0.55, 0.45], [0.4, 0.6], [1.0, 0.0], [0.08, 0.92]])
    truth = np.array([0, 1, 1, 0, 0])
    assert protocol.reliability(truth, probs) == [
        {"from": 0.5, "to": 0.6, "clips": 2, "confidence": 0.525, "accuracy": 0.5},
        {"from": 0.6, "to": 0.7, "clips": 1, "confidence": 0.6, "accuracy": 1.0},
        {"from": 0.9, "to": 1.0, "clips": 2, "confidence": 0.96, "accuracy": 0.5},
    ]
    gaps = (2 * 0.025 + 0.4 + 2 * 0.46) / 5
    assert protocol.calibration_error(truth, probs) == pytest.approx(gaps)


def test_exactly_one_half_is_sure():
    probs = np.array([[0.5, 0.3, 0.2], [np.nextafter(0.5, 0), 0.3, 0.2], [0.3, 0.45, 0.25], [0.1, 0.1, 0.8]])
    found = protocol.sureness(np.array([0, 0, 2, 1]), probs)
    assert found == {"sure": {"share": 0.5, "accuracy": 0.5}, "unsure": {"share": 0.5, "accuracy": 0.5}}


def test_the_report_calls_unsure_what_the_product_does():
    _, probs, _ = drawn(500, labels=6)
    probs[:2] = [0.5, 0.5, 0, 0, 0, 0], [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    product = [Mood(dict(zip("abcdef", p, strict=True)), np.zeros(1, np.float32), (), "m").unsure for p in probs]
    assert protocol.sureness(np.zeros(500, dtype=np.int64), probs)["unsure"]["share"] == np.mean(product)
    assert 0 < sum(product) < 500


def test_where_none_are_unsure_there_is_no_accuracy():
    truth, probs, part = drawn(200, labels=2)
    found = protocol.calibration(truth, probs, part)
    assert found["unsure"] == {"share": 0.0, "accuracy": None}
    assert found["sure"]["share"] == 1.0


@pytest.mark.parametrize("labels", [4, 6])
def test_calibrated_clips_called_unsure_are_wrong_more_often_than_right(labels):
    truth, probs, part = drawn(labels=labels)
    best = probs.max(1)
    too_sure = protocol.tempered(np.log(np.maximum(probs, 1e-9)), 0.5)
    found = protocol.calibration(truth, too_sure, part)
    assert found["unsure"]["share"] == pytest.approx(np.mean(best < 0.5), abs=0.02)
    assert found["unsure"]["accuracy"] == pytest.approx(best[best < 0.5].mean(), abs=0.02)
    assert found["unsure"]["accuracy"] < 0.5 < found["sure"]["accuracy"]
    assert found["sure"]["accuracy"] == pytest.approx(best[best >= 0.5].mean(), abs=0.02)
    assert sum(row["clips"] for row in found["reliability"]) == len(truth)
    for row in (row for row in found["reliability"] if row["clips"] > 300):
        assert row["accuracy"] == pytest.approx(row["confidence"], abs=0.06)
    raw = protocol.sureness(truth, too_sure)
    assert raw["unsure"]["share"] < found["unsure"]["share"] / 2  # what was not calibrated is called sure too often


def test_figures_tell_where_unsure_does_not_mean_it():
    found = protocol.calibration(*deceptive())
    assert found["unsure"]["share"] == pytest.approx(0.5)
    assert found["unsure"]["accuracy"] == pytest.approx(0.8, abs=0.03)
    assert found["sure"]["accuracy"] == pytest.approx(0.6, abs=0.03)
    below, above = found["reliability"]
    assert below["accuracy"] > below["confidence"] + 0.2
    assert above["accuracy"] < above["confidence"] - 0.05


def test_only_the_judged_parts_are_counted():
    truth, probs, part = drawn(1_000)
    found = protocol.calibration(truth, probs, part, judged=[2])
    assert sum(row["clips"] for row in found["reliability"]) == 200


# ---------------------------------------------------------------------------------------------------- report and card


def contents(truth, probs, part):
    labels = [f"mood {i}" for i in range(probs.shape[1])]
    return {
        "title": "Made up",
        "labels": labels,
        "model": protocol.figures(truth, probs, labels),
        "temperature": 1.0,
        "log_loss_calibrated": 0.9,
        "calibrated": protocol.calibration(truth, probs, part),
    }


@pytest.fixture(scope="module")
def report():
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import report

    return report


def test_a_report_says_whether_unsure_means_it(report):
    made = contents(*drawn(2_000))
    text, unsure = report.markdown(made, "made"), made["calibrated"]["unsure"]
    assert f"; unsure {unsure['share']:.1%} of the clips, right on {unsure['accuracy']:.1%} of them: more" in text
    assert ": more often wrong than right. By probability, also in `made-calibration.png`:" in text
    rows = [line for line in text.splitlines() if line.startswith("| 0.")]
    assert len(rows) == len(made["calibrated"]["reliability"])
    assert rows[0].startswith("| 0.2-0.3 | ")
    assert ": yet not more often wrong than right. " in report.markdown(contents(*deceptive()))
    assert "; unsure none of the clips. By" in report.markdown(contents(*drawn(200, labels=2)))


def test_a_report_is_written_with_both_pictures(report, tmp_path):
    made = contents(*drawn(500, labels=6))
    report.write(tmp_path, "made", made)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *["made-calibration.png", "made.json", "made.md", "made.png"]
    ]
    assert json.loads((tmp_path / "made.json").read_text()) == made
    assert (tmp_path / "made-calibration.png").read_bytes() != (tmp_path / "made.png").read_bytes()
    other = contents(*deceptive())["calibrated"]["reliability"]
    report.reliability_picture(other, "Made up", tmp_path / "other.png")
    assert (tmp_path / "other.png").read_bytes() != (tmp_path / "made-calibration.png").read_bytes()


@pytest.mark.parametrize("calibrated", [True, False])
def test_reports_of_before_can_still_be_read(report, tmp_path, calibrated):
    old = contents(*drawn(500))
    old["calibrated"] = {key: value for key, value in old["calibrated"].items() if key not in NEW_KEYS}
    if not calibrated:
        del old["calibrated"]
    report.write(tmp_path, "old", old)
    assert not (tmp_path / "old-calibration.png").exists()
    text = (tmp_path / "old.md").read_text()
    assert "unsure" not in text
    assert ("learnt on the other parts" in text) == calibrated


def test_every_stored_report_can_be_read(report):
    stored = [json.loads(path.read_text()) for path in sorted(REPORTS.glob("*.json"))]
    judged = [found for found in stored if "rows" not in found]  # `table1` has a Markdown of its own
    assert judged
    for found in judged:
        assert found["title"] in report.markdown(found)


def test_a_card_takes_the_figures_over_and_names_no_picture(report):
    from converters import card

    made = contents(*drawn(2_000))
    section = card._accuracy(made)
    assert "more often wrong than right" in section
    assert "| probability of the likeliest mood | clips | mean | right |" in section
    assert ".png" not in section
    del made["calibrated"]
    assert "unsure" not in card._accuracy(made)
