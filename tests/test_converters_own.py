"""A folder of one's own clips: what is refused and how, the rows kept of it, training on it and judging by it."""

import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("ai_edge_litert", reason="a runtime is not installed")

from converters import cache, columns, datasets, judge_bundle, synth
from converters.cache import FeatureCache
from converters.datasets import DataError
from edgemood import mood

SIX_MOODS = Path(__file__).parent / "data" / "six-moods"


def wav(path, kind="happy", seconds=4.0, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, synth.clip(kind, seconds, seed), synth.SAMPLE_RATE, format="WAV", subtype="PCM_16")


def table(folder, text, encoding="utf-8"):
    folder.mkdir(exist_ok=True)
    for name in ("a.wav", "b.wav"):
        (folder / name).touch()
    (folder / "clips.csv").write_text(text, encoding=encoding)
    return folder


# --- what is read ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.wav,x\nb.wav,y\nc.wav,x\n", r"row 3: there is no file .*c\.wav"),
        ("file,label\na.wav,x\nb.wav,\n", r"row 2 \(b\.wav\) has no label"),
        ("file,label\na.wav,x\nb.wav\n", r"row 2 \(b\.wav\) has no label"),
        ("file,label\n,x\n", r"row 1 \(x\) has no file"),
        ("file,label\na.wav,x\na.wav,y\n", r"row 2: a\.wav is in an earlier row"),
        ("file;label\na.wav;x\n", "it has no file, label"),
        ("file,label\n", "has no rows"),
        ("", "it has no file, label"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        datasets.load(table(tmp_path / "own", text))


def test_a_table_has_to_be_utf_8_with_or_without_a_mark(tmp_path):
    text = "file,label,artist\na.wav,fröhlich,A\nb.wav,träge,B\n"
    with pytest.raises(DataError, match=r"clips\.csv is not UTF-8 \(it has the byte 0xf6\): save it as UTF-8"):
        datasets.load(table(tmp_path / "own", text, "latin-1"))
    for encoding in ("utf-8", "utf-8-sig"):
        (own,) = datasets.load(table(tmp_path / "own", text, encoding))
        assert own.labels == ("fröhlich", "träge")
        assert own.artists
    (own,) = datasets.load(table(tmp_path / "own", text.replace("A\n", "\n")))
    assert not own.artists


def test_what_is_no_folder_of_clips_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not there"):
        datasets.load(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file is a file, not a folder"):
        datasets.load(tmp_path / "file")
    (tmp_path / "4qaed").mkdir()
    (tmp_path / "4qaed" / "clips.csv").write_text("file,label\n")
    with pytest.raises(DataError, match="it has no quadrant, fold, artist"):
        datasets.load(tmp_path)


@pytest.mark.parametrize("name", ["music", "4qaed", "emotify", "emopia"])
def test_a_folder_called_as_a_set_that_the_trunk_has_heard_is_another_set(tmp_path, name):
    for label in "xy":
        wav(tmp_path / name / label / "0.wav")
    (own,) = datasets.load(tmp_path / name)
    assert name in columns.heard(columns.SHIPPED_TRUNK)
    assert own.name not in columns.heard(columns.SHIPPED_TRUNK)
    assert {clip.dataset for clip in own.clips} == {own.name} == {f"{name} (own)"}


# --- what is kept ---


def rows_of(folder, kept):
    (own,) = datasets.load(folder)
    return [versions[0] for versions in FeatureCache(kept).sequences(own.clips)]


def test_clips_of_one_name_and_size_share_no_rows(tmp_path):
    for k, kind in enumerate(("happy", "angry")):
        wav(tmp_path / "own" / kind / "00.wav", kind, seed=k)
    wav(tmp_path / "own" / "angry" / "00.aiff", "calm")
    (own,) = datasets.load(tmp_path / "own")
    assert [clip.key for clip in own.clips] == ["own/angry/00.aiff", "own/angry/00.wav", "own/happy/00.wav"]
    assert len({clip.path.stat().st_size for clip in own.clips}) == 1
    first, again = (rows_of(tmp_path / "own", tmp_path / "cache") for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(first[i], first[k]) for i, k in ((0, 1), (1, 2), (0, 2)))
    alone = [FeatureCache(tmp_path / f"cache {i}").sequences([clip])[0][0] for i, clip in enumerate(own.clips)]
    assert all(np.array_equal(a, b) for a, b in zip(first, alone, strict=True))


def test_a_replaced_clip_and_a_set_of_the_same_name_elsewhere_have_rows_of_their_own(tmp_path):
    for k, label in enumerate("xy"):
        wav(tmp_path / "own" / label / "0.wav", seed=k)
        wav(tmp_path / "else" / "own" / label / "0.wav", seed=k + 2)
    before = rows_of(tmp_path / "own", tmp_path / "cache")
    elsewhere = rows_of(tmp_path / "else" / "own", tmp_path / "cache")
    wav(tmp_path / "own" / "x" / "0.wav", seed=9)
    after = rows_of(tmp_path / "own", tmp_path / "cache")
    assert not np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[0], elsewhere[0])


def test_rows_are_read_back_and_odd_names_stay_in_the_cache(tmp_path, monkeypatch):
    own = table(tmp_path / "own", "file,label\n../out/a {x}.wav,x\nb.wav,y\n")
    wav(tmp_path / "out" / "a {x}.wav")
    wav(own / "b.wav", "sad")
    wav(own / f"{'long' * 62}.wav", "calm")
    (own / "clips.csv").write_text(f"file,label\n../out/a {{x}}.wav,x\nb.wav,y\n{'long' * 62}.wav,y\n")
    first = rows_of(own, tmp_path / "cache")
    kept = list(tmp_path.rglob("*.npz"))
    assert {path.parent for path in kept} == {tmp_path / "cache" / "own"}
    assert len(kept) == 3

    def never(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr(cache, "load", never)
    assert all(np.array_equal(a, b) for a, b in zip(first, rows_of(own, tmp_path / "cache"), strict=True))


def test_a_clip_of_a_research_set_is_called_by_its_stem():
    clip = datasets.Clip("4qaed", Path("somewhere/audio/MT01.opus"), (1.0, 0.0), "a", 0)
    assert clip.key == "4qaed/MT01"
    assert clip.seed("1") == zlib.crc32(b"4qaed/MT01/1")  # what the shipped bundle learned from


@pytest.mark.parametrize("content", [b"", b"no audio at all", b"RIFF\x24\x00\x00\x00WAVEfmt "])
def test_a_clip_that_cannot_be_decoded_is_named(tmp_path, content):
    for label in "xy":
        wav(tmp_path / "own" / label / "0.wav")
    (tmp_path / "own" / "y" / "0.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"y/0\.wav cannot be used: .*replace it, or take it out"):
        rows_of(tmp_path / "own", tmp_path / "cache")
    (own,) = datasets.load(tmp_path / "own")
    own.clips[1].path.unlink()
    with pytest.raises(DataError, match=r"y/0\.wav cannot be read"):
        FeatureCache(tmp_path / "cache").sequences(own.clips)


# --- judging a bundle ---


def evaluate_bundle(*arguments):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import evaluate

    evaluate.main(["bundle", *map(str, arguments)])


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A bundle of one's own, and a set of three of its six moods with one clip that is too short."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(SIX_MOODS, folder / "mine")
    synth.write(folder / "new", ("solemn", "angry", "happy"), 3, seconds=8.0)
    wav(folder / "new" / "angry-0.wav", "angry", 1.0)
    return folder


def test_a_bundle_is_judged_on_a_subset_of_its_moods_and_the_table_is_shown(judged, capsys):
    evaluate_bundle("--bundle", judged / "mine", "--data", judged / "new")
    shown = capsys.readouterr()
    assert "| new | 8 |" in shown.out
    assert f"Written to {judged / 'bundle-mine.md'} and .json" in shown.out
    assert "shorter than one segment" in shown.err
    assert "angry-0.wav" in shown.err
    stored = json.loads((judged / "bundle-mine.json").read_text())
    (found,) = stored["sets"].values()
    occurring = {stored["labels"].index(label): count for label, count in (("solemn", 3), ("angry", 2), ("happy", 3))}
    assert {k: sum(row) for k, row in enumerate(found["confusion"]) if sum(row)} == occurring
    assert found["accuracy"] > 0.8


def test_other_moods_are_named_and_what_the_bundle_learned_from_is_not_judged(judged, capsys):
    for label in ("wild", "mild"):
        wav(judged / "other" / label / "0.wav")
    with pytest.raises(SystemExit):
        evaluate_bundle("--bundle", judged / "mine", "--data", judged / "other")
    said = capsys.readouterr().err
    assert "other has the moods mild, wild, six-moods-1 knows" in said
    synth.write(judged / "synthetic", ("happy", "calm"), 2, seconds=4.0)
    with pytest.raises(SystemExit):
        evaluate_bundle("--bundle", judged / "mine", "--data", judged / "synthetic")
    assert "synthetic is what six-moods-1 learned from" in capsys.readouterr().err
    assert not list(judged.glob("bundle-six*"))


def test_reports_of_ones_own_never_go_where_the_project_keeps_its_own(judged, tmp_path, monkeypatch):
    project = tmp_path / "project"
    own, research = datasets.load(judged / "new"), [datasets.Dataset("emopia", datasets.QUADRANT_LABELS, ())]
    assert judge_bundle.place("default", research, None, project) == project
    assert judge_bundle.place(str(mood.MODELS / "default"), research, None, project) == project
    assert judge_bundle.place("default", own, None, project) is None
    assert judge_bundle.place("default", own, tmp_path, project) == tmp_path
    (tmp_path / "default").mkdir()
    monkeypatch.chdir(tmp_path)
    assert judge_bundle.place("./default", research, None, project) == tmp_path


# --- training ---


def train(*arguments):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import train

    train.main([*map(str, arguments), "--columns", "lld50"])


def refused(capsys, *arguments):
    """What the command says where it does not run."""
    with pytest.raises(SystemExit) as stopped:
        train(*arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


@pytest.fixture
def few(tmp_path):
    """Two clips of either of two moods, none of known artist."""
    for label in ("happy", "angry"):
        for k in range(2):
            wav(tmp_path / "few" / label / f"{k}.wav", label, seed=k)
    return tmp_path / "few"


def test_short_clips_are_left_out_aloud_and_a_mood_that_loses_all_is_refused(few, tmp_path, capsys):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters.material import Material

    wav(few / "happy" / "1.wav", seconds=2.0)
    sets = datasets.load(few)
    material = Material(sets, FeatureCache(tmp_path / "cache"), 0)
    assert [clip.path.name for clip in material.clips] == ["0.wav", "1.wav", "0.wav"]
    said = capsys.readouterr().err
    assert f"left out, for being shorter than one segment (3 s): 1 clip ({few / 'happy' / '1.wav'})" in said
    wav(few / "happy" / "0.wav", seconds=2.0)
    with pytest.raises(DataError, match="few: every clip of happy is shorter than one segment"):
        Material(datasets.load(few), FeatureCache(tmp_path / "cache"), 0)


def test_clips_of_one_artist_that_are_left_are_refused(tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters.material import Material

    rows = [("a.wav", "x", "One", 4.0), ("b.wav", "y", "One", 4.0), ("c.wav", "x", "Two", 1.0)]
    for name, _, _, seconds in rows:
        wav(tmp_path / "own" / name, seconds=seconds)
    lines = [",".join(row[:3]) for row in rows]
    (tmp_path / "own" / "clips.csv").write_text("\n".join(["file,label,artist", *lines]))
    with pytest.raises(DataError, match="clips of one artist are left"):
        Material(datasets.load(tmp_path / "own"), FeatureCache(tmp_path / "cache"), 0)


def test_a_model_of_ones_own_claims_no_artists_and_says_its_size(few, tmp_path, capsys):
    for label in ("happy", "angry"):
        (few / label / "1.wav").unlink()
    small = ["--members", 1, "--epochs", 2, "--units", 4, "--variants", 0, "--kinds", "int8"]
    train("--data", few, "--out", tmp_path / "out", "--cache", tmp_path / "cache", *small)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    size = mood.load(str(tmp_path / "out")).manifest.size
    assert f"out: {size} bytes, dynamic-range int8" in capsys.readouterr().out
    assert manifest["parity"]["vector_cosine"] > 0.99
    title = manifest["accuracy"]["title"]
    assert title == "Protocol A: two folds, each file of unknown artist counted as an artist of its own"
    card = (tmp_path / "out" / "CARD.md").read_text()
    assert "share no artist" not in card
    assert "changed version" not in card


def test_the_command_says_what_it_cannot_use(few, tmp_path, capsys):
    where = ["--out", tmp_path / "out", "--cache", tmp_path / "cache", "--variants", 0]
    assert "nowhere is not there" in refused(capsys, "--data", tmp_path / "nowhere", *where)
    report = tmp_path / "report.json"
    given = ["--data", few, *where, "--evaluation", report]
    assert "report.json is no report" in refused(capsys, *given)
    report.write_text("[]")
    assert "report.json is no report" in refused(capsys, *given)
    report.write_text('{"model": {}, "recipe": {"network": {}}}')
    assert "made with another recipe" in refused(capsys, *given)
    (few / "happy" / "1.wav").write_bytes(b"none")
    assert "1.wav cannot be used" in refused(capsys, "--data", few, *where)
    assert not (tmp_path / "out").exists()


def test_units_of_lstm_layers_that_are_not_there_are_refused(few, tmp_path, capsys):
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import train

    with pytest.raises(SystemExit):
        train.main(["--data", str(few), "--out", str(tmp_path / "out"), "--units", "8", "--columns", "wide"])
    assert "--units: the networks for --columns wide have no LSTM layers" in capsys.readouterr().err
