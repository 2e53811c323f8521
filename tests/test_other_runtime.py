"""Where only tflite-runtime is installed (armv7): the bundle it can run is the default, the other is refused by name.

`make test` puts tflite-runtime and the NumPy it needs into a folder and names it in EDGEMOOD_OTHER_RUNTIME.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals

from edgemood import mood
from edgemood.describe import Describer

FOLDER = Path(os.environ.get("EDGEMOOD_OTHER_RUNTIME", ""))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "tflite_runtime").is_dir(), reason="tflite-runtime is not at hand (see `make test`)"
)

SCRIPT = """
import json, sys
sys.modules["ai_edge_litert.interpreter"] = None  # as if it were not installed
import numpy as np
from edgemood import mood
from edgemood.describe import Describer
from edgemood.errors import BundleError
model = mood.load()
samples = np.load(sys.argv[1])
judged = model.judge(Describer(model).describe([samples]))
try:
    refused = mood.load(str(mood.MODELS / "default")).id
except BundleError as error:
    refused = str(error)
print(json.dumps([np.__version__, model.id, model.runtime, dict(judged.scores), refused]))
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str, dict[str, float], str]:
    samples = tmp_path_factory.mktemp("other") / "samples.npy"
    np.save(samples, _samples())
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, samples],
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return tuple(json.loads(run.stdout))


def _samples() -> np.ndarray:
    return np.concatenate([signals.music(22050)] * 5)


def test_it_is_the_other_runtime(other) -> None:
    numpy_version, model, runtime, _, _ = other
    assert numpy_version.startswith("1.")
    assert runtime.startswith("tflite-runtime ")
    assert model.startswith("default-f16-")


def test_a_bundle_it_cannot_run_is_refused_by_name(other) -> None:
    refused = other[4]
    assert "'default'" in refused
    assert "needs ai-edge-litert" in refused
    assert "tflite-runtime" in refused


def test_both_runtimes_judge_alike(other) -> None:
    model = mood.load("default-f16")
    here = model.judge(Describer(model).describe([_samples()]))
    for label, score in other[3].items():
        assert score == pytest.approx(here.scores[label], abs=1e-4)
