"""The card of a bundle: what the model is, how good it is, and where not to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from converters import report
from converters.datasets import QUADRANT_LABELS, READERS


def text(manifest: Mapping[str, Any]) -> str:
    """The card, in Markdown, of the bundle that `manifest` describes."""
    training, accuracy = manifest["training"], manifest["accuracy"]
    parts = [_head(manifest), _training(training)]
    if accuracy:
        parts.append(_accuracy({"labels": manifest["labels"], **accuracy}))
    parts += [_limits(manifest), _licence(training), _again()]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Mapping[str, Any]) -> str:
    recipe, window = manifest["training"]["recipe"], manifest["window"]
    network = recipe["network"]
    members = recipe["members"]
    several = f"{members} such networks, trained from different seeds, averaged" if members > 1 else "one network"
    return f"""# {manifest["name"]} {manifest["version"]}

Mood of music ({", ".join(manifest["labels"])}) from the {len(manifest["features"]["names"])} low-level descriptors of
`docs/descriptors.md`: {network["layers"]} LSTM layers of {network["units"]} units, attention over the segments,
softmax; {several}. It reads windows of {window["segments"]} segments, one segment a second.

- File: {manifest["model"]["size"]} bytes, {manifest["quantisation"]}. Runs on {_runtimes(manifest["runtimes"])}.
- Parity with the trained Keras model on {manifest["parity"]["clips"]} clips: largest difference of a probability
  {manifest["parity"]["max_difference"]:.4f}, same mood chosen on {manifest["parity"]["agreement"]:.1%}.
- Descriptors are normalised by the manifest's transforms and ranges; level enters only through the energy
  descriptors, and training varied it."""


def _training(training: Mapping[str, Any]) -> str:
    sets = "\n".join(f"- {name}: {count} clips" for name, count in training["clips"].items())
    research = """Trained on research data: the clips were provided for research and are not part of this project. """
    return f"""## Trained on

{sets}

{research if _is_research(training) else ""}Each clip was also
shown in {training["recipe"]["variants"]} changed versions (speed, equalisation, level, bandwidth, noise), in random
stretches, blended in pairs."""


def _is_research(training: Mapping[str, Any]) -> bool:
    return set(training["clips"]) <= set(READERS)


def _accuracy(contents: Mapping[str, Any]) -> str:
    figures = report.markdown({**contents, "title": ""}).split("\n", 2)[2].strip()
    return f"""## How good it is

{contents["title"]}. Each clip was judged by models of this recipe that were trained
without its fold. The model in this bundle is trained on all folds by the same recipe, so that nothing is left here to
judge it on; its file differs from the trained model as the parity figures above say.

{figures}"""


def _limits(manifest: Mapping[str, Any]) -> str:
    derived = ""
    if set(manifest["labels"]) == set(QUADRANT_LABELS):
        derived = """
- Valence and arousal are derived from the four probabilities (`valence = happy + calm - angry - sad`,
  `arousal = happy + angry - sad - calm`); no one annotated them. Arousal is much the surer of the two."""
    research = """- The clips are half-minute excerpts of mostly Western popular music; a timeline over a whole song
  is that judgement repeated, and was never checked against annotations over time.
- Moods are those that experts' tags and listeners agreed on. What a listener feels may differ, and single songs are
  often wrong: read the confusion matrix.
"""
    return f"""## Limits

{research if _is_research(manifest["training"]) else ""}- Probabilities were calibrated (temperature \
{manifest["temperature"]:.2f}) on held-out folds of the same clips; on other music they are likely
  too sure.{derived}
- It hears sound, not words, and knows nothing of languages, lyrics or context. It is no measure of a person's state."""


def _licence(training: Mapping[str, Any]) -> str:
    if not _is_research(training):
        return """## Licence of the weights

The project's licence covers its code. What may be done with the weights depends on the clips they were trained on."""
    return f"""## Licence of the weights

The project's licence covers its code. The weights are derived from research data ({", ".join(training["clips"])}) whose
terms do not speak of trained models: use them for research and evaluation, and for a product train your own."""


def _again() -> str:
    return """## Training it again, or on your own music

`python -m converters.train --data FOLDER --out BUNDLE`, where FOLDER has one folder of audio per mood (any number of
moods, any names) or a `clips.csv`; see `converters/README.md`."""


def _runtimes(runtimes: Mapping[str, str]) -> str:
    return " and ".join(f"{name} >= {version}" for name, version in runtimes.items())
