"""The paper's Table 1: its rows on a tiny synthetic set, what is kept of an interrupted run, its report."""

import json
from pathlib import Path

import numpy as np
import pytest

from converters import protocol, synth
from converters.datasets import Clip, DataError

pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
pytest.importorskip("sklearn", reason="scikit-learn (extra: train) is not installed")

from converters import evaluate, lda, table1, table1_report
from converters.cache import FeatureCache
from converters.datasets import load
from converters.material import Material

MOODS = ("happy", "angry", "sad", "calm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Synthetic clips of the four quadrants by five artists, one to a fold."""
    made = tmp_path_factory.mktemp("table1")
    synth.write(made / "data", MOODS, 5, seconds=9.0)
    return made


def table(folder, reports, *options):
    where = ["--data", str(folder / "data"), "--cache", str(folder / "cache"), "--reports", str(reports)]
    evaluate.main(["table1", *where, *options])


@pytest.fixture
def small_grid(monkeypatch):
    monkeypatch.setattr(lda, "WORDS", (16,))
    monkeypatch.setattr(lda, "TOPICS", (4, 8))
    monkeypatch.setattr(lda, "C", (1.0,))


@pytest.mark.usefixtures("small_grid")
def test_rows_are_judged_kept_and_taken_up_again(folder, tmp_path, capsys):
    table(folder, tmp_path, "--rows", "svm,lda", "--seeds", "1")
    stored = json.loads((tmp_path / "table1-artist.json").read_text())
    assert list(stored["rows"]) == ["svm", "lda"]
    for row in stored["rows"].values():
        assert row["seeds"]["0"]["accuracy"] > 0.7
        assert len(row["seeds"]["0"]["chosen_by_inner_folds"]) == 5
    assert "log_loss" not in stored["rows"]["svm"]["seeds"]["0"]
    capsys.readouterr()

    table(folder, tmp_path, "--rows", "lda", "--seeds", "2")
    table(folder, tmp_path, "--rows", "tuned-lstm", "--seeds", "1", "--epochs", "1")
    said = capsys.readouterr().out
    assert "lda, seed 1" in said
    assert "lda, seed 0" not in said
    again = json.loads((tmp_path / "table1-artist.json").read_text())
    assert again["rows"]["svm"] == stored["rows"]["svm"]
    assert again["rows"]["lda"]["seeds"]["0"] == stored["rows"]["lda"]["seeds"]["0"]
    assert list(again["rows"]) == ["tuned-lstm", "svm", "lda"]
    network = again["rows"]["tuned-lstm"]
    assert network["settings"]["recipe"]["network"]["pooling"] == "last"
    assert sum(map(sum, network["seeds"]["0"]["confusion"])) == 20
    assert network["seeds"]["0"]["calibrated"]["temperature"][0] > 0
    assert (tmp_path / "table1-artist.png").stat().st_size > 1000

    lda.TOPICS = (4,)  # other settings: what was stored of the row no longer counts
    table(folder, tmp_path, "--rows", "lda", "--seeds", "1")
    assert list(json.loads((tmp_path / "table1-artist.json").read_text())["rows"]["lda"]["seeds"]) == ["0"]


def test_a_report_of_other_clips_is_not_mixed_with(folder, tmp_path, capsys):
    table(folder, tmp_path, "--rows", "svm", "--seeds", "1", "--protocol", "stratified")
    other = tmp_path / "other"
    synth.write(other / "data", MOODS, 6, seconds=9.0)
    with pytest.raises(SystemExit):
        table(other, tmp_path, "--rows", "svm", "--seeds", "1", "--protocol", "stratified")
    assert "of other clips or descriptors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--rows", "svm,knn"], "no such row: knn"),
        (["--seeds", "0"], "--seeds is 0"),
        (["--protocol", "emopia", "--rows", "svm"], "no set with an official split"),
    ],
)
def test_what_cannot_be_done_is_said(folder, tmp_path, capsys, options, error):
    with pytest.raises(SystemExit):
        table(folder, tmp_path, *options)
    assert error in capsys.readouterr().err


def test_every_row_of_the_paper_is_there_by_both_recipes():
    rows = table1.rows()
    networks = {f"{recipe}-{name}" for recipe in ("paper", "tuned") for name in ("lstm", "lstm-am", "lstm3-am")}
    assert set(rows) == networks | {"svm", "lda"}
    shape = {key: rows[key].settings["recipe"]["network"] for key in networks}
    assert {key: (n["layers"], n["pooling"]) for key, n in shape.items() if key.startswith("paper")} == {
        "paper-lstm": (1, "last"),
        "paper-lstm-am": (1, "attention"),
        "paper-lstm3-am": (3, "attention"),
    }
    for key in networks:  # on the judged set alone
        assert rows[key].settings["recipe"]["extra_weight"] == 0
        assert rows[key].settings["recipe"]["members"] == 1


def test_topics_tell_documents_of_different_words_apart():
    rng = np.random.default_rng(0)
    counts = np.array([rng.multinomial(30, p) for p in ([0.25] * 4 + [0] * 4, [0] * 4 + [0.25] * 4) for _ in range(20)])
    proportions = lda.topics_of(counts, 2, seed=0).transform(counts)
    assert proportions.sum(1) == pytest.approx(1)
    first = proportions[:20].argmax(1)
    assert (first == first[0]).all()
    assert (proportions[20:].argmax(1) == 1 - first[0]).all()


def test_a_codebook_has_no_more_words_than_segments(folder):
    material = Material(load(folder / "data"), FeatureCache(folder / "cache"), 0)
    few = material.own([0, 1])
    counts = lda.Codebook.learn(few, material.names, 1000, seed=0).counts(few)
    assert counts.shape == (2, sum(map(len, few)))
    assert counts.sum(1).tolist() == [len(s) for s in few]


@pytest.mark.usefixtures("small_grid")
def test_lda_does_not_look_at_the_test_clips(folder):
    material = Material(load(folder / "data"), FeatureCache(folder / "cache"), 0)
    split = next(protocol.folds(material.clips))
    seen, settings = lda.judge_split(material, 0, split)
    material.truth = material.truth.copy()
    material.truth[split.test] = (material.truth[split.test] + 1) % 4
    again, _ = lda.judge_split(material, 0, split)
    assert np.array_equal(seen, again)
    alone = protocol.Split(split.name, split.train, split.test[:1])
    assert lda.judge_split(material, 0, alone)[0] == pytest.approx(seen[:1])
    assert settings["words"] == 16


def test_the_official_split_is_judged_on_its_test_clips_alone():
    clips = [Clip("e", Path(f"{i}.wav"), (1.0, 0.0), f"song {i}", 0, s) for i, s in enumerate(["train", "val", "test"])]
    split = protocol.official(clips)
    assert (split.train.tolist(), split.test.tolist()) == ([0], [1, 2])

    class Fake:
        targets, truth, labels = np.array([[1.0, 0], [0, 1.0], [1.0, 0]]), np.array([0, 1, 0]), ("a", "b")

    Fake.clips = clips
    row = table1.Row("fixed", lambda *_: (np.array([[0.1, 0.9], [0.8, 0.2]]), {}), {})
    record = table1.judge(Fake, row, "emopia", 0, 1)
    assert record["clips"] == 1
    assert record["accuracy"] == 1
    assert record["chosen"] == "0"
    with pytest.raises(DataError, match="no clips marked val"):
        protocol.official([clips[0], clips[2]])
    with pytest.raises(DataError, match="lies in train and test"):
        protocol.official([*clips, Clip("e", Path("9.wav"), (1.0, 0.0), "song 0", 0, "test")])


def test_the_report_compares_rows_with_the_method_clip_by_clip():
    truth = np.arange(40) % 2
    worse = np.where(np.arange(40) < 10, 1 - truth, truth)

    def row(title, *runs):
        seeds = {}
        for seed, run in enumerate(runs):
            counts = protocol.confusion(truth, run, 2)
            figures = {"accuracy": float(np.mean(run == truth)), "macro_f1": protocol.macro_f1(counts)}
            seeds[str(seed)] = figures | {"confusion": counts.tolist(), "chosen": table1_report.packed(run)}
        return {"title": title, "seeds": seeds}

    rows = {"tuned-lstm3-am": row("ours", truth, truth), "svm": row("SVM", worse, truth)}
    contents = {"title": "T", "protocol": "artist", "labels": ["a", "b"], "rows": rows}
    text = table1_report.markdown(contents | {"truth": table1_report.packed(truth)}, "p.png")
    ours, machine = (next(line for line in text.splitlines() if line.startswith(f"| {t} ")) for t in ("ours", "SVM"))
    assert "1.000 +- 0.000 | 1.000 +- 0.000 (1.000-1.000)" in ours
    assert "0.875 +- 0.177" in machine  # mean of 0.75 and 1, sd 0.25 / sqrt 2
    assert "| -0.125 (" in machine
    assert machine.endswith("| 0.692 |")
    assert "| **a** | 100.0 | 0.0 |" in text
