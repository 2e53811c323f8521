"""The ablation's groups are all of the new columns; what carries a mood is found; report and document agree."""

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters import datasets, synth

pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
pytest.importorskip("sklearn", reason="scikit-learn (extra: train) is not installed")

from converters import ablation, ablation_report, baseline
from converters.cache import FeatureCache
from converters.columns import LLD50, WIDE
from converters.material import Material
from edgemood import features
from edgemood.describe import Describer

ROOT = Path(__file__).resolve().parents[1]
MOODS = datasets.QUADRANT_LABELS
GRID = {"svc__C": [4], "svc__gamma": [0.003]}


@pytest.fixture(autouse=True)
def small_grid(monkeypatch):
    monkeypatch.setattr(baseline, "GRID", GRID)


def made_up(name, clips, carrying, seed):
    """A set whose moods nothing tells but the means of the columns `carrying`; three folds, an artist in each."""
    rng = np.random.default_rng(seed)
    truth = np.arange(clips) % len(MOODS)
    values = rng.normal(size=(clips, 2 * len(WIDE.names)))
    for place, column in enumerate(carrying):
        values[:, WIDE.names.index(column)] += 3 * (truth == place % len(MOODS))
    of_each = np.eye(len(MOODS))
    listed = [
        datasets.Clip(name, Path(f"{i}.wav"), tuple(of_each[truth[i]]), f"artist {i // 4 % 3}", i // 4 % 3)
        for i in range(clips)
    ]
    return ablation.Table(name, MOODS, listed, values)


@pytest.fixture(scope="module")
def contents():
    """The ablation of two made-up sets; in the first the modulation alone tells the moods, in the second nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "GRID", GRID)
        patch.setattr(ablation, "GROUPS", {name: ablation.GROUPS[name] for name in ("modulation", "harmonic change")})
        telling = made_up("telling", 96, ablation.groups()["modulation"], seed=1)
        return ablation.run([telling, made_up("mute", 60, [], seed=2)], rounds=1)


def test_the_groups_are_all_that_the_method_does_not_have():
    grouped = [name for names in ablation.groups().values() for name in names]
    assert sorted(grouped) == sorted(set(WIDE.names) - set(LLD50.names))
    assert len(grouped) == len(WIDE.names) - 50
    for group, prefixes in ablation.GROUPS.items():
        for prefix in prefixes:
            assert any(name.startswith(prefix) for name in ablation.groups()[group]), f"{group}: no {prefix}"


def test_every_group_is_added_and_left_out():
    rows = ablation.rows()
    assert set(rows["wide"].names) == set(features.set_names("lld84")) | set(features.set_names("harmony"))
    assert rows["lld50"] == ablation.Row(LLD50.names)
    for group, names in ablation.groups().items():
        beside, without = rows[f"lld50 + {group}"], rows[f"wide - {group}"]
        assert (beside.reference, without.reference) == ("lld50", "wide")
        assert set(beside.names) == set(LLD50.names) | set(names)
        assert set(without.names) == set(WIDE.names) - set(names)
    titles = list(rows)
    for title, row in rows.items():
        assert len(set(row.names)) == len(row.names)
        assert row.reference is None or titles.index(row.reference) < titles.index(title)


def test_the_group_that_tells_the_moods_is_found(contents):
    judged = {title: row["judged"]["telling"] for title, row in contents["rows"].items()}
    assert judged["lld50"]["macro_f1"] < 0.5
    assert judged["lld50 + modulation"]["macro_f1"] > 0.8
    assert judged["wide - modulation"]["macro_f1"] < 0.5
    assert judged["lld50 + modulation"]["difference_95"][0] > 0
    assert judged["lld84"]["difference_95"][0] > 0
    assert judged["wide - modulation"]["difference_95"][1] < 0
    assert judged["harmony"]["difference_95"][0] < 0.1
    for title, row in contents["rows"].items():
        if row["reference"]:
            expected = judged[title]["macro_f1"] - judged[row["reference"]]["macro_f1"]
            assert judged[title]["difference"] == pytest.approx(expected, abs=2e-4)
    mute = [row["judged"]["mute"]["macro_f1"] for row in contents["rows"].values()]
    assert max(mute) < 0.5


def test_no_clip_is_judged_by_a_machine_that_saw_its_fold():
    table = made_up("memory", 48, WIDE.names[:4], seed=3)
    wrong = [replace(clip, target=clip.target[::-1]) if clip.fold == 0 else clip for clip in table.clips]
    chosen, settings = ablation.judge(replace(table, clips=wrong), WIDE.names[:4])
    expected, own = ablation.judge(table, WIDE.names[:4])[0], np.array([clip.fold == 0 for clip in wrong])
    assert np.array_equal(chosen[own], expected[own])  # the labels of fold 0 had no say in fold 0
    assert not np.array_equal(chosen[~own], expected[~own])  # but in the others
    assert len(settings) == 3
    assert settings == ["C 4 gamma 0.003"] * 3


def test_the_row_of_the_method_is_the_machine_of_the_baseline(tmp_path):
    synth.write(tmp_path / "data", MOODS, 3, seconds=6.0)
    (data,) = datasets.load(tmp_path / "data")
    table = ablation.Table.of(data, FeatureCache(tmp_path / "cache", WIDE))
    figures = ablation.figures(table, ablation.judge(table, LLD50.names)[0], None)
    machine = baseline.machine(Material([data], FeatureCache(tmp_path / "cache"), 0), transformed=True)
    assert figures == machine["model"]
    assert "difference" not in figures


def test_the_cost_is_of_the_same_columns_and_in_times_the_methods():
    rows = ablation.rows()
    sound = ablation.signal(5.0)
    whole = Describer(WIDE).describe([sound])
    for title in ("lld50 + roughness", "harmony", "wide - modulation"):
        part = Describer(ablation.part_of_wide(rows[title].names)).describe([sound])
        assert set(part.names) == set(rows[title].names)
        count = min(len(part.values), len(whole.values))
        assert count > 0
        assert np.array_equal(part.values[:count], whole.values[:count, [whole.names.index(n) for n in part.names]])
    cost = ablation.cost({title: rows[title] for title in ("lld50", "wide", "harmony")}, rounds=5)
    assert cost["harmony"]["median"] < cost["wide"]["median"]
    assert cost["lld50"]["lower"] <= cost["lld50"]["median"] <= cost["lld50"]["upper"]
    assert cost["wide"]["median"] > 1.05


def test_the_report_marks_what_is_sure(contents, tmp_path):
    ablation_report.write(tmp_path, contents)
    assert json.loads((tmp_path / "ablation.json").read_text()) == json.loads(json.dumps(contents))
    text = (tmp_path / "ablation.md").read_text()
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert list(contents["rows"]) == [title for title in ablation.rows() if title in lines]
    judged = contents["rows"]["lld50 + modulation"]["judged"]["telling"]
    assert f"| **{judged['difference']:+.3f} (" in lines["lld50 + modulation"]
    mute = contents["rows"]["lld50 + modulation"]["judged"]["mute"]
    mark = "" if mute["difference_95"][0] <= 0 <= mute["difference_95"][1] else "**"
    assert f"| {mark}{mute['difference']:+.3f} (" in lines["lld50 + modulation"]
    assert "**telling**: 96 clips (24 happy, 24 angry, 24 sad, 24 calm)." in text
    assert "chosen on these same" not in text  # said of the sets that it is true of
    assert "- **harmonic change**: `tonal_centroid_change_mean`, `chroma_change_mean`" in text
    assert (tmp_path / "ablation.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_known_of_the_shipped_report_is_said():
    stored = json.loads((ROOT / "converters" / "reports" / "ablation.json").read_text())
    assert (ROOT / "converters" / "reports" / "ablation.md").read_text() == ablation_report.markdown(stored)
    assert "chosen on these same clips and folds" in ablation_report.markdown(stored)
    assert list(stored["rows"]) == list(ablation.rows())
    assert stored["groups"] == {group: list(names) for group, names in ablation.groups().items()}


def test_the_document_has_the_reports_tables():
    stored = json.loads((ROOT / "converters" / "reports" / "ablation.json").read_text())
    document = (ROOT / "docs" / "models.md").read_text().splitlines()
    for reference in ablation_report.TITLES:
        for line in ablation_report.table(stored, reference):
            assert line in document, f"docs/models.md lacks: {line}"


def test_the_command_judges_a_folder_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, "GROUPS", {"octave bands": ("band_level_",)})
    synth.write(tmp_path / "data", MOODS, 3, seconds=6.0)
    ablation.command(options_for(tmp_path, rounds=1), FeatureCache(tmp_path / "cache"))
    stored = json.loads((tmp_path / "ablation.json").read_text())
    assert stored["sets"] == {"data": dict.fromkeys(MOODS, 3)}
    assert stored["rows"]["wide"]["judged"]["data"]["accuracy"] > 0.7
    with pytest.raises(datasets.DataError, match="--rounds is 0"):
        ablation.command(options_for(tmp_path, rounds=0), FeatureCache(tmp_path / "cache"))


def test_emotify_is_judged_by_both_of_its_readings(tmp_path):
    """Two emotions of one quadrant together beat the strongest, which is of another."""
    shares = dict.fromkeys((f"share_{emotion}" for emotion in datasets.GEMS), 0.0)
    shares |= {"share_tension": 0.4, "share_tenderness": 0.35, "share_calmness": 0.25}
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["file", "fold", *shares])
        table.writeheader()
        table.writerow({"file": "a.opus", "fold": 2, **shares})
    (together,) = datasets.load_emotify(tmp_path).clips
    strongest = datasets.load_emotify_strongest(tmp_path)
    assert together.target == pytest.approx((0, 0.4, 0, 0.6))
    assert strongest.clips == (replace(together, target=(0.0, 1.0, 0.0, 0.0)),)
    assert strongest.name != datasets.load_emotify(tmp_path).name


def options_for(folder, rounds):
    parser = argparse.ArgumentParser()
    ablation.add_options(parser)
    options = parser.parse_args(["--rounds", str(rounds)])
    options.data, options.reports = folder / "data", folder
    return options
