"""Pretrained music taggers, for training only: a network of our own is taught to say what they say.

The weights come with packages and are read from there. The packages' own code is never imported, which is why they can
be installed without what they ask for (releases of TensorFlow and NumPy that are long gone):

    pip install '.[train,teachers]' && pip install --no-deps musicnn==0.1.0 vibenet==0.1.0

musicnn (ISC; Pons and Serra 2019) tags three seconds at a time, vibenet (GPL-3 or later) estimates mood-like features
(energy, valence, danceability) of a whole excerpt. A teacher is a callable: mono audio at `SAMPLE_RATE` in, named
arrays out. It hears `MAX_S` at most.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]
Teacher = Callable[[Array], Mapping[str, Array]]

#: In Hz, of what teachers hear; all of them want the same.
SAMPLE_RATE = 16_000
MAX_S = 30
#: musicnn's models, and what the names of their outputs begin with.
MUSICNN = {"MSD_musicnn": "msd", "MTT_musicnn": "mtt"}
#: In frames of 16 ms: 30 s, musicnn's window, and a second, which is from one window to the next.
CLIP_FRAMES, WINDOW_FRAMES, HOP_FRAMES = 1875, 187, 62
#: Where logits are cut: a tag's probability is never closer to 0 or 1 than 1e-6.
MAX_LOGIT = 13.8155
_EPSILON = 1e-3  # of the variance in batch normalisation: TensorFlow's default, which the checkpoints do not hold
PACKAGES = "pip install --no-deps musicnn==0.1.0 vibenet==0.1.0"


class TeacherError(RuntimeError):
    """A teacher cannot be had: a package is missing, or its weights are not there or damaged."""


def everyone() -> Teacher:
    """Both models of musicnn and vibenet, from their installed packages, as one teacher.

    Raises
    ------
    TeacherError
        One of them cannot be had.
    """
    staff: list[Teacher] = [*(Musicnn(name) for name in MUSICNN), Vibenet()]
    return lambda audio: {name: values for teacher in staff for name, values in teacher(audio).items()}


class Musicnn:
    """A model of musicnn 0.1.0 on TensorFlow: a shallow convolutional network over log-mels, then two dense layers.

    The convolutions go over the whole excerpt at once and only the pooling over three-second windows: a third of the
    cost of window after window, and no zeros at the windows' edges.

    Parameters
    ----------
    name
        ``"MSD_musicnn"`` (trained on the Million Song Dataset) or ``"MTT_musicnn"`` (on MagnaTagATune).
    folder
        Holds a folder `name` with the model's TensorFlow 1 checkpoint; None: the installed package.

    Raises
    ------
    TeacherError
        The package or TensorFlow is not installed, or the checkpoint is missing, damaged or of something else.
    ValueError
        There is no such model.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        if name not in MUSICNN:
            raise ValueError(f"musicnn has no model {name!r}, only {' and '.join(MUSICNN)}")
        self.name = name
        self._tf = _module("tensorflow", "pip install '.[train]'")
        self._read(f"{folder or _package('musicnn')}/{name}/")  # its files have suffixes only, like .index
        signature = [self._tf.TensorSpec([None, 96], self._tf.float32)]
        self._graph = self._tf.function(self._convolved, input_signature=signature)

    def __call__(self, audio: Array) -> dict[str, Array]:
        """Hear mono `audio`, float32 ``[n]`` at 16 kHz.

        Returns
        -------
        dict
            Of every three-second window a second apart (at least one; what is shorter is filled up with silence):
            ``pen`` float32 ``[windows, 200]``, the penultimate layer; ``tag`` ``[windows, 50]``, logits of the tags;
            ``max`` ``[windows, 753]``, the maps' maxima. Names begin with ``msd_`` or ``mtt_``.
        """
        mel = musicnn_mel(audio)[:CLIP_FRAMES]
        heard = max(len(mel), WINDOW_FRAMES)
        silence = np.zeros((CLIP_FRAMES - len(mel), mel.shape[1]), np.float32)
        windows = sliding_window_view(self.maps(np.concatenate([mel, silence]))[:heard], WINDOW_FRAMES, axis=0)
        outputs = self._pooled(windows[::HOP_FRAMES])
        return {f"{MUSICNN[self.name]}_{kind}": values for kind, values in outputs.items()}

    def maps(self, mel: Array) -> Array:
        """What the convolutions make of log-mels ``[frames, 96]``: float32 ``[frames, 753]``."""
        return np.asarray(self._graph(mel), np.float32)

    def _read(self, prefix: str) -> None:
        try:
            reader = self._tf.compat.v1.train.NewCheckpointReader(prefix)
            kernels = [_numbered("conv2d", i) for i in range(8)] + ["dense", "dense_1"]
            self._layers = {n: (reader.get_tensor(f"{n}/kernel"), reader.get_tensor(f"{n}/bias")) for n in kernels}
            self._norms = [_scale_and_shift(reader.get_tensor, i) for i in range(11)]
        except self._tf.errors.OpError as error:
            raise TeacherError(f"{prefix} holds no readable checkpoint of musicnn: {error.message}") from None

    def _convolved(self, mel: Any) -> Any:
        tf = self._tf
        x = self._norm(0, mel[None, :, :, None])
        padded = tf.pad(x, [[0, 0], [3, 3], [0, 0], [0, 0]])
        # Timbre: filters of 112 ms and some bands; rhythm: of one band and up to two seconds.
        front = [tf.reduce_max(self._layer(i, padded, "VALID"), 2) for i in (0, 1)]
        front += [tf.reduce_max(self._layer(i, x, "SAME"), 2) for i in (2, 3, 4)]
        maps = [tf.concat(front, 2)]
        for i in (5, 6, 7):
            below = tf.pad(maps[-1], [[0, 0], [3, 3], [0, 0]])[..., None]
            above = self._layer(i, below, "VALID")[:, :, 0]
            maps.append(above if i == 5 else above + maps[-1])
        return tf.concat(maps, 2)[0]

    def _layer(self, i: int, x: Any, padding: str) -> Any:
        kernel, bias = self._layers[_numbered("conv2d", i)]
        return self._norm(i + 1, self._tf.nn.relu(self._tf.nn.conv2d(x, kernel, 1, padding) + bias))

    def _pooled(self, windows: Array) -> dict[str, Array]:
        """The layers behind the pooling, of maps ``[windows, 753, frames]``."""
        highest = windows.max(2)
        flat = np.stack([highest, windows.mean(2)], 2).reshape(len(windows), -1)  # maximum and mean of each in turn
        (kernel, bias), (tags, offset) = self._layers["dense"], self._layers["dense_1"]
        inner = self._norm(10, np.maximum(self._norm(9, flat) @ kernel + bias, 0))
        return {"pen": inner, "tag": np.clip(inner @ tags + offset, -MAX_LOGIT, MAX_LOGIT), "max": highest}

    def _norm(self, i: int, x: Any) -> Any:
        scale, shift = self._norms[i]
        return x * scale + shift


class Vibenet:
    """vibenet 0.1.0's EfficientNet on ONNX Runtime: its last hidden layer.

    Parameters
    ----------
    folder
        Holds ``artifacts/efficientnet_model.onnx``; None: the installed package.

    Raises
    ------
    TeacherError
        The package, onnx or onnxruntime is not installed, or the model is missing or damaged.
    """

    LAYER = "gelu"

    def __init__(self, folder: Path | None = None) -> None:
        onnx, runtime = (_module(name, "pip install onnx onnxruntime") for name in ("onnx", "onnxruntime"))
        path = (folder or _package("vibenet")) / "artifacts" / "efficientnet_model.onnx"
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1  # more of them spin while they wait, on cores that TensorFlow wants
        try:
            model = onnx.load(path)
            model.graph.output.append(onnx.helper.make_tensor_value_info(self.LAYER, onnx.TensorProto.FLOAT, None))
            self._session = runtime.InferenceSession(model.SerializeToString(), options)
        except Exception as error:  # protobuf's and the runtime's own exceptions have no tree in common
            raise TeacherError(f"{path} is no model of vibenet that can be read: {error}") from None
        self._input = self._session.get_inputs()[0].name

    def __call__(self, audio: Array) -> dict[str, Array]:
        """Hear mono `audio`, float32 ``[n]`` at 16 kHz: ``vib``, float32 ``[256]``."""
        mel = vibenet_mel(audio[: MAX_S * SAMPLE_RATE])
        (hidden,) = self._session.run([self.LAYER], {self._input: mel.T[None]})
        return {"vib": hidden[0]}


def musicnn_mel(audio: Array) -> Array:
    """The front end of musicnn: ``log10(1 + 10000 power)`` of 96 bands, float32 ``[1 + n // 256, 96]``.

    `audio` is mono, float32 ``[n]`` at 16 kHz. A frame's middle is at its time: 16 ms of silence
    precede the first sample.
    """
    power = _mel_power(np.pad(audio, 256), window=512, n_fft=512, hop=256, n_mels=96)
    return np.asarray(np.log10(10_000 * power + 1), np.float32)


def vibenet_mel(audio: Array) -> Array:
    """The front end of vibenet: 128 bands in dB, none more than 80 dB below the loudest, float32 ``[frames, 128]``.

    Frames of 40 ms every 20 ms, from the first sample on; at least one.
    """
    whole = np.pad(audio, (0, max(0, 640 - len(audio))))
    level_db = 10 * np.log10(np.maximum(_mel_power(whole, window=640, n_fft=1024, hop=320, n_mels=128), 1e-10))
    return np.asarray(np.maximum(level_db, level_db.max() - 80), np.float32)


def _mel_power(audio: Array, window: int, n_fft: int, hop: int, n_mels: int) -> Array:
    frames = sliding_window_view(np.asarray(audio, np.float32), window)[::hop]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
    spectrum = np.fft.rfft(frames * hann, n_fft, axis=1)
    return np.asarray((spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ _mel_filters(n_fft, n_mels).T)


@lru_cache
def _mel_filters(n_fft: int, n_mels: int) -> Array:
    """Triangles of equal area, evenly spread over Slaney's mel scale from 0 to 8 kHz: ``[n_mels, 1 + n_fft / 2]``."""
    linear, step = 1000 / 15, np.log(6.4) / 27  # 15 mels to 1 kHz; beyond it 27 mels for a factor of 6.4
    mels = np.linspace(0, 15 + np.log(SAMPLE_RATE / 2 / 1000) / step, n_mels + 2)
    edges_hz = np.where(mels < 15, linear * mels, 1000 * np.exp(step * (mels - 15)))[:, None]
    bins_hz = np.arange(n_fft // 2 + 1) * SAMPLE_RATE / n_fft
    rising = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges_hz[2:] - edges_hz[:-2])
    return np.asarray(filters, np.float32)


def _scale_and_shift(tensor: Callable[[str], Array], i: int) -> tuple[Array, Array]:
    """Batch normalisation `i` as one multiplication and one addition."""
    kinds = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (tensor(f"{_numbered('batch_normalization', i)}/{kind}") for kind in kinds)
    scale = gamma / np.sqrt(variance + np.float32(_EPSILON))
    return scale, beta - mean * scale


def _numbered(name: str, i: int) -> str:
    return f"{name}_{i}" if i else name  # as TensorFlow 1 names the layers of a kind


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise TeacherError(f"the package {name} is not installed: {PACKAGES}")
    return Path(next(iter(spec.submodule_search_locations)))


def _module(name: str, how: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise TeacherError(f"the teachers need {name}: {how}") from None
