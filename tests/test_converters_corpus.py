"""Teachers against references on weights made up here, and the corpus of what they say, with a toy for a teacher."""

import importlib.util
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from converters import augment, corpus, datasets, synth, teachers
from converters.corpus import Corpus
from converters.datasets import Clip, DataError, Dataset
from converters.teachers import Musicnn, TeacherError, Vibenet
from edgemood import audio, features

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow (extra: train) is not installed")
RATE = corpus.FRAMES.sample_rate


def noise(samples, seed=0):
    """Noise that swells and fades."""
    rng = np.random.default_rng(seed)
    return (0.1 * np.sin(np.arange(samples) / 9000) * rng.standard_normal(samples)).astype(np.float32)


# --- front ends ---


def test_the_front_end_of_musicnn_is_librosa_s():
    librosa = pytest.importorskip("librosa")
    sound = noise(16_000)
    power = librosa.feature.melspectrogram(y=sound, sr=16_000, n_fft=512, hop_length=256, n_mels=96)
    mel = teachers.musicnn_mel(sound)
    assert mel.dtype == np.float32
    np.testing.assert_allclose(mel, np.log10(10_000 * power.T + 1), atol=2e-4)


def test_the_front_end_of_vibenet_is_librosa_s():
    librosa = pytest.importorskip("librosa")
    sound = noise(16_000)
    sound[8000:9000] = 0
    centred = np.pad(sound, (1024 - 640) // 2)  # librosa puts the window in the middle of the transform
    settings = {"n_fft": 1024, "win_length": 640, "hop_length": 320, "n_mels": 128, "center": False}
    power = librosa.feature.melspectrogram(y=centred, sr=16_000, **settings)
    mel = teachers.vibenet_mel(sound)
    assert mel.min() == mel.max() - 80
    np.testing.assert_allclose(mel, librosa.power_to_db(power, ref=1.0, top_db=80).T, atol=2e-3)


def test_front_ends_take_any_length():
    assert teachers.musicnn_mel(noise(1)).shape == (1, 96)
    assert teachers.vibenet_mel(noise(1)).shape == (1, 128)


# --- musicnn ---

KERNELS = [(7, 38, 204), (7, 67, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51), (7, 561, 64), (7, 64, 64), (7, 64, 64)]
NORMALISED = [1, *(shape[-1] for shape in KERNELS), 1506, 200]


def made_up_weights(seed):
    rng = np.random.default_rng(seed)
    named = {f"conv2d_{i}/kernel".replace("_0", ""): (*s[:2], 1, s[2]) for i, s in enumerate(KERNELS)}
    named |= {"dense/kernel": (1506, 200), "dense_1/kernel": (200, 50)}
    weights = {name: rng.normal(0, 1 / np.sqrt(np.prod(s[:-1])), s) for name, s in named.items()}
    weights |= {name.replace("kernel", "bias"): rng.normal(0, 0.1, s[-1]) for name, s in named.items()}
    for i, size in enumerate(NORMALISED):
        for kind in ("gamma", "moving_variance"):
            weights[f"batch_normalization_{i}/{kind}".replace("_0/", "/")] = rng.uniform(0.5, 1.5, size)
        for kind in ("beta", "moving_mean"):
            weights[f"batch_normalization_{i}/{kind}".replace("_0/", "/")] = rng.normal(0, 0.3, size)
    return {name: values.astype(np.float32) for name, values in weights.items()}


def write_checkpoint(folder, weights):
    import tensorflow as tf

    folder.mkdir(parents=True)
    names = list(weights)
    tf.raw_ops.SaveV2(
        prefix=f"{folder}/", tensor_names=names, shape_and_slices=[""] * len(names), tensors=list(weights.values())
    )


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("musicnn")
    weights = made_up_weights(0)
    write_checkpoint(folder / "MSD_musicnn", weights | {"dense/kernel/Adam": np.zeros(3, np.float32)})
    return folder, weights


class Reference:
    """musicnn as its paper draws it, float64, a layer at a time."""

    KINDS = ("gamma", "beta", "moving_mean", "moving_variance")

    def __init__(self, weights):
        self.weights = {name: values.astype(np.float64) for name, values in weights.items()}

    def norm(self, i, x):
        get = {kind: self.weights[f"batch_normalization{f'_{i}' if i else ''}/{kind}"] for kind in self.KINDS}
        return (x - get["moving_mean"]) / np.sqrt(get["moving_variance"] + 1e-3) * get["gamma"] + get["beta"]

    def layer(self, i, x):
        """Frames and bands [T, F] -> what each filter finds around each frame, [T, places, filters]."""
        name = f"conv2d{f'_{i}' if i else ''}"
        kernel = self.weights[f"{name}/kernel"][:, :, 0]
        before = (len(kernel) - 1) // 2
        padded = np.pad(x, ((before, len(kernel) - 1 - before), (0, 0)))
        patches = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
        found = np.tensordot(patches, kernel, 2) + self.weights[f"{name}/bias"]
        return self.norm(i + 1, np.maximum(found, 0))

    def maps(self, mel):
        x = self.norm(0, mel)
        front = np.concatenate([self.layer(i, x).max(1) for i in range(5)], 1)
        first = self.layer(5, front)[:, 0]
        second = first + self.layer(6, first)[:, 0]
        third = second + self.layer(7, second)[:, 0]
        return np.concatenate([front, first, second, third], 1)

    def window(self, maps):
        flat = np.empty(2 * maps.shape[1])
        flat[0::2], flat[1::2] = maps.max(0), maps.mean(0)
        inner = self.norm(9, flat) @ self.weights["dense/kernel"] + self.weights["dense/bias"]
        inner = self.norm(10, np.maximum(inner, 0))
        return inner, inner @ self.weights["dense_1/kernel"] + self.weights["dense_1/bias"]


@needs_tensorflow
def test_musicnn_says_what_its_layers_say_one_by_one(made_up):
    folder, weights = made_up
    teacher, reference = Musicnn("MSD_musicnn", folder), Reference(weights)
    sound = noise(16_000 * 5, seed=1)
    heard = teacher(sound)
    mel = teachers.musicnn_mel(sound)
    windows = 1 + (len(mel) - 187) // 62
    assert {name: v.shape for name, v in heard.items()} == {
        "msd_pen": (windows, 200),
        "msd_tag": (windows, 50),
        "msd_max": (windows, 753),
    }
    behind = np.pad(mel, ((0, 100), (0, 0)))  # silence for as long as a filter sees it from the last window
    maps = reference.maps(behind)[: len(mel)]
    for i in range(windows):
        window = maps[62 * i : 62 * i + 187]
        pen, tag = reference.window(window)
        np.testing.assert_allclose(heard["msd_max"][i], window.max(0), atol=1e-4)
        np.testing.assert_allclose(heard["msd_pen"][i], pen, atol=1e-4)
        np.testing.assert_allclose(heard["msd_tag"][i], tag, atol=1e-4)


@needs_tensorflow
def test_a_window_of_the_whole_is_the_window_alone_away_from_its_edges(made_up):
    teacher = Musicnn("MSD_musicnn", made_up[0])
    mel = teachers.musicnn_mel(noise(16_000 * 5, seed=2))
    alone, whole = teacher.maps(mel[60:247]), teacher.maps(mel)[60:247]
    seen = 64 + 3 * 3  # frames from a map's middle to the farthest it depends on
    np.testing.assert_allclose(alone[seen:-seen], whole[seen:-seen], atol=1e-4)
    assert not np.allclose(alone[:10], whole[:10], atol=1e-2)


@needs_tensorflow
def test_musicnn_hears_half_a_minute_and_one_window_at_least(made_up):
    teacher = Musicnn("MSD_musicnn", made_up[0])
    long = noise(16_000 * 33)
    heard, cut = teacher(long), teacher(long[: 16_000 * 30])
    assert len(heard["msd_pen"]) == 28
    for name in ("msd_pen", "msd_tag", "msd_max"):  # the last frames' windows reach into what follows, or do not
        np.testing.assert_allclose(heard[name][:27], cut[name][:27], atol=1e-5)
    assert len(teacher(long[:1000])["msd_pen"]) == 1


@needs_tensorflow
def test_a_checkpoint_that_is_none_is_named(tmp_path, made_up):
    with pytest.raises(TeacherError, match="MTT_musicnn"):
        Musicnn("MTT_musicnn", made_up[0])
    (tmp_path / "MSD_musicnn").mkdir()
    (tmp_path / "MSD_musicnn" / ".index").write_bytes(b"rubbish" * 50)
    with pytest.raises(TeacherError, match="no readable checkpoint"):
        Musicnn("MSD_musicnn", tmp_path)
    write_checkpoint(tmp_path / "other" / "MSD_musicnn", {"dense/bias": np.zeros(200, np.float32)})
    with pytest.raises(TeacherError, match="not found"):
        Musicnn("MSD_musicnn", tmp_path / "other")
    with pytest.raises(ValueError, match="MSD_vgg"):
        Musicnn("MSD_vgg", made_up[0])


@pytest.mark.parametrize("make", [lambda: Musicnn("MSD_musicnn"), Vibenet, teachers.everyone])
def test_a_teacher_that_is_not_installed_says_how_to_install_it(make, monkeypatch):
    found = importlib.util.find_spec
    packages = ("musicnn", "vibenet")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in packages else found(name))
    with pytest.raises(TeacherError, match="pip install"):
        make()


# --- vibenet ---


def test_vibenet_gives_its_hidden_layer(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx (extra: teachers) is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime (extra: teachers) is not installed")
    made = onnx.helper
    nodes = [
        made.make_node("ReduceMean", ["mel"], ["mean"], axes=[2], keepdims=0),
        made.make_node("Neg", ["mean"], [Vibenet.LAYER]),
        made.make_node("Relu", [Vibenet.LAYER], ["out"]),
    ]
    ends = [made.make_tensor_value_info(n, 1, s) for n, s in (("mel", [1, 128, None]), ("out", [1, 128]))]
    model = made.make_model(
        made.make_graph(nodes, "toy", ends[:1], ends[1:]), opset_imports=[made.make_opsetid("", 13)]
    )
    model.ir_version = 8
    (tmp_path / "artifacts").mkdir()
    path = tmp_path / "artifacts" / "efficientnet_model.onnx"
    onnx.save(model, path)
    sound = noise(16_000 * 31)
    heard = Vibenet(tmp_path)(sound)
    assert set(heard) == {"vib"}
    np.testing.assert_allclose(heard["vib"], -teachers.vibenet_mel(sound[: 16_000 * 30]).mean(0), rtol=1e-4)
    path.write_bytes(b"rubbish")
    with pytest.raises(TeacherError, match="efficientnet_model"):
        Vibenet(tmp_path)


# --- corpus ---


class Toy:
    """A teacher that says how loud it was, and how often it was asked."""

    def __init__(self):
        self.lengths = []

    def __call__(self, sound):
        assert sound.dtype == np.float32
        self.lengths.append(len(sound))
        return {"msd_pen": np.full((2, 3), np.sqrt(np.mean(sound**2))), "vib": np.ones(4)}


@pytest.fixture
def toy():
    return Toy()


def write_clips(folder, names, seconds=1.0):
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        soundfile.write(folder / name, synth.clip("happy", seconds, i), RATE)
    clips = [Clip("made", folder / name, (1.0, 0.0), name, 0) for name in names]
    return Dataset("made", ("happy", "sad"), tuple(clips))


def write_music(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, synth.clip("calm", seconds, 7), RATE)


def test_a_clip_s_shard_holds_its_frames_and_what_the_teacher_said(tmp_path, toy):
    dataset = write_clips(tmp_path / "clips", ["a.wav", "b.flac"])
    store = Corpus(tmp_path / "cache")
    store.add_clips(dataset, toy, variants=1)
    assert [p.relative_to(tmp_path).as_posix() for p in store.shards(["made"])] == [
        f"cache/made/{stem}-v{variant}.npz" for stem in "ab" for variant in (0, 1)
    ]
    sound = audio.load(tmp_path / "clips" / "a.wav", RATE)
    for variant in (0, 1):
        if variant:
            sound = augment.variant(sound, RATE, zlib.crc32(b"made/a/1"))
        path = store.clip(dataset.clips[0], variant)
        shard = corpus.load(path)
        expected = features.extract([sound], corpus.FRAMES, corpus.NAMES).values
        assert shard.frames.dtype == np.uint8
        assert shard.frames.shape == ((len(sound) - 662) // 551 + 1, 64)
        assert np.abs(corpus.decode(shard.frames) - expected).max() <= 1 / 16 + 1e-5
        assert {n: (v.shape, v.dtype) for n, v in shard.targets.items()} == {
            "msd_pen": ((2, 3), np.float16),
            "vib": ((4,), np.float16),
        }
        assert shard.targets["msd_pen"][0, 0] == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.01)
        with np.load(path) as file:
            assert set(file) == {"mel", "msd_pen", "vib"}
    assert toy.lengths[0] == pytest.approx(teachers.SAMPLE_RATE, abs=2)


def test_a_byte_holds_what_frames_can_be():
    log_power = np.array([np.log(1e-10), -10.04, 0.0, 8.7, 50.0], np.float32)
    held = corpus.encode(log_power)
    assert held.tolist() == [1, 104, 185, 254, 255]
    assert corpus.decode(held)[:4] == pytest.approx(log_power[:4], abs=1 / 16 + 1e-5)


def test_no_more_than_half_a_minute_of_a_clip(tmp_path, toy):
    dataset = write_clips(tmp_path / "clips", ["a.flac"], seconds=31.0)
    store = Corpus(tmp_path / "cache")
    store.add_clips(dataset, toy, variants=0)
    assert toy.lengths == [30 * teachers.SAMPLE_RATE]
    assert len(corpus.load(store.clip(dataset.clips[0], 0)).frames) == 1200


def test_a_run_makes_only_what_is_missing_or_damaged(tmp_path, toy):
    dataset = write_clips(tmp_path / "clips", ["a.wav", "b.wav", "c.wav", "d.wav"])
    store = Corpus(tmp_path / "cache")
    store.add_clips(replace(dataset, clips=dataset.clips[:2]), toy, variants=0)
    assert len(toy.lengths) == 2
    store.add_clips(dataset, toy, variants=0)
    assert len(toy.lengths) == 4
    whole = [path.read_bytes() for path in store.shards(["made"])]
    first, second, third, fourth = store.shards(["made"])
    first.write_bytes(whole[0][:-200])
    second.write_bytes(b"")
    third.write_bytes(whole[2].replace(b"mel.npy", b"elm.npy"))
    fourth.unlink()
    Path(f"{fourth}.part").write_bytes(whole[3][:99])  # what an interrupted run leaves
    for path in (first, second, third):
        with pytest.raises(corpus.DamagedShardError, match=path.name):
            corpus.load(path)
    assert len(store.shards(["made"])) == 3
    store.add_clips(dataset, toy, variants=0)
    assert len(toy.lengths) == 8
    assert [path.read_bytes() for path in store.shards(["made"])] == whole
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_shard_with_one_changed_byte_is_damaged(tmp_path, toy):
    dataset = write_clips(tmp_path / "clips", ["a.wav"])
    store = Corpus(tmp_path / "cache")
    store.add_clips(dataset, toy, variants=0)
    (path,) = store.shards(["made"])
    content = bytearray(path.read_bytes())
    content[600] ^= 1  # among the frames
    path.write_bytes(content)
    with pytest.raises(corpus.DamagedShardError):
        corpus.load(path)


def test_what_cannot_be_decoded_or_heard_is_left_out(tmp_path, toy, capsys):
    dataset = write_clips(tmp_path / "clips", ["a.wav", "bad.wav", "faint.wav", "silent.wav", "z.wav"])
    (tmp_path / "clips" / "bad.wav").write_bytes(b"no sound at all")
    soundfile.write(tmp_path / "clips" / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(tmp_path / "clips" / "faint.wav", np.full(RATE, 9e-5), RATE, subtype="FLOAT")
    store = Corpus(tmp_path / "cache")
    store.add_clips(dataset, toy, variants=0)
    assert [path.stem for path in store.shards(["made"])] == ["a-v0", "z-v0"]
    lines = capsys.readouterr().err.splitlines()
    assert [name for name in ("bad.wav", "silent.wav") for line in lines if name in line] == ["bad.wav", "silent.wav"]


def test_two_clips_of_one_name_are_refused(tmp_path, toy):
    dataset = write_clips(tmp_path / "clips", ["a.wav", "a.flac"])
    with pytest.raises(DataError, match=r"a\.wav.*a\.flac"):
        Corpus(tmp_path / "cache").add_clips(dataset, toy, variants=0)
    assert not toy.lengths


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [(9.9, []), (10, [0]), (45, [0]), (59.9, [0]), (60, [0, 1]), (89, [0, 1]), (90, [1, 2]), (245, [2, 5])],
)
def test_which_excerpts_of_a_song_are_taken(seconds, chosen):
    song = np.arange(int(seconds * RATE), dtype=np.float32)
    taken = list(corpus.excerpts(song))
    assert [i for i, _ in taken] == chosen
    for i, excerpt in taken:
        assert excerpt[0] == i * 30 * RATE
        assert len(excerpt) == min(len(song), 30 * RATE)


def test_music_is_known_by_its_path_in_the_folder(tmp_path, toy, capsys):
    names = ["one/söng.wav", "two.flac", "one/short.wav"]
    for name, seconds in zip(names, (12, 61, 5), strict=True):
        write_music(tmp_path / "music" / name, seconds)
    (tmp_path / "music" / "cover.jpg").write_bytes(b"no sound")
    (tmp_path / "music" / "bad.mp3").write_bytes(b"no sound")
    store = Corpus(tmp_path / "cache")
    store.add_music(tmp_path / "music", toy)
    one, two = (f"{zlib.crc32(name.encode()):08x}" for name in names[:2])
    made = [path.name for path in store.shards(["music"])]
    assert made == sorted([f"{one}-000.npz", f"{two}-000.npz", f"{two}-001.npz"])
    said = capsys.readouterr().err
    assert "bad.mp3" in said
    assert "cover.jpg" not in said


def test_music_goes_on_where_it_was(tmp_path, toy, monkeypatch):
    for name in ("a.wav", "b.wav"):
        write_music(tmp_path / "music" / name, 61)
    store = Corpus(tmp_path / "cache")
    store.add_music(tmp_path / "music", toy)
    whole = {path: path.read_bytes() for path in store.shards(["music"])}
    assert len(toy.lengths) == len(whole) == 4
    lists = sorted((tmp_path / "cache" / "music").glob("*.list"))
    lists[0].write_bytes(b"")  # cut off by a power failure
    broken, gone = [path for path in whole if path.name.startswith(lists[1].stem)]
    broken.write_bytes(b"PK")
    gone.unlink()
    Corpus(store.folder).add_music(tmp_path / "music", toy)
    assert len(toy.lengths) == 6
    assert {path: path.read_bytes() for path in store.shards(["music"])} == whole

    monkeypatch.setattr(audio, "load", lambda *_: pytest.fail("decoded though nothing was missing"))
    Corpus(store.folder).add_music(tmp_path / "music", toy)
    assert len(toy.lengths) == 6


def test_songs_of_two_folders_do_not_pass_for_each_other(tmp_path, toy, capsys):
    for folder in ("x", "y"):
        write_music(tmp_path / folder / "song.wav", 10)
    store = Corpus(tmp_path / "cache")
    for folder in ("x", "y"):
        store.add_music(tmp_path / folder, toy)
    assert len(toy.lengths) == 1
    assert str(tmp_path / "y" / "song.wav") in capsys.readouterr().err
    with pytest.raises(DataError, match="nowhere"):
        store.add_music(tmp_path / "nowhere", toy)


def test_the_command_makes_all_but_an_official_split_s_test_clips(tmp_path, toy, monkeypatch):
    made = write_clips(tmp_path / "clips", ["a.wav", "b.wav", "c.wav"])
    split = [replace(clip, split=part) for clip, part in zip(made.clips, datasets.SPLITS, strict=True)]
    write_music(tmp_path / "music" / "song.wav", 10)
    monkeypatch.setattr(datasets, "load", lambda _: [replace(made, clips=tuple(split))])
    monkeypatch.setattr(teachers, "everyone", lambda: toy)
    where = ["--data", str(tmp_path), "--music", str(tmp_path / "music"), "--cache", str(tmp_path / "cache")]
    corpus.main([*where, "--variants", "1"])
    store = Corpus(tmp_path / "cache")
    assert [path.name for path in store.shards(["made"])] == ["a-v0.npz", "a-v1.npz", "b-v0.npz", "b-v1.npz"]
    assert len(store.shards(["music", "made"])) == 5


def test_the_command_says_what_is_wrong(tmp_path, monkeypatch, capsys):
    def absent():
        raise TeacherError("the package musicnn is not installed")

    monkeypatch.setattr(teachers, "everyone", absent)
    for given, expected in [
        ([], "--music"),
        (["--music", str(tmp_path / "nowhere")], "nowhere"),
        (["--data", str(tmp_path)], "moods"),
        (["--music", str(tmp_path)], "musicnn"),
    ]:
        with pytest.raises(SystemExit):
            corpus.main(given)
        assert expected in capsys.readouterr().err
