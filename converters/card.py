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
    if "patches" in manifest:
        parts.append(_trunk(manifest["patches"], accuracy))
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

Mood of music ({", ".join(manifest["labels"])}) from {_columns(manifest)}:
{_layers(network)}, softmax; {several}{_beside(recipe.get("kernel"))}.
It reads windows of {window["segments"]} segments, one segment a second.

- {_files(manifest)}, {manifest["quantisation"]}. Runs on {_runtimes(manifest["runtimes"])}.
- Parity with the trained Keras model on {manifest["parity"]["clips"]} clips: {_parity(manifest["parity"])}
- Descriptors are normalised by the manifest's transforms and ranges; level enters only through the energy
  descriptors, and training varied it."""


def _layers(network: Mapping[str, Any]) -> str:
    lstm = f"{network['layers']} LSTM layers of {network['units']} units, " if network["layers"] else ""
    hidden = f", a hidden layer of {network['hidden']} units" if network.get("hidden") else ""
    return f"{lstm}attention over the segments{hidden}"


def _beside(kernel: Mapping[str, Any] | None) -> str:
    if not kernel:
        return ""
    return f""";
beside them, for {kernel["share"]:.0%} of the logits, a kernel logistic regression on the window's mean and deviation,
whose centres are such statistics of up to {kernel["centres"]} windows that it was trained on"""


def _columns(manifest: Mapping[str, Any]) -> str:
    features = manifest["features"]
    count = sum(len(part["names"]) for part in features.get("parts", [features]))
    described = f"{count} descriptors of `docs/descriptors.md`"
    if not (patches := manifest.get("patches")):
        return described
    return f"""{described}
and the embedding ({patches["size"]} values) that a convolutional network, the trunk, gives each
{patches["rows"]} seconds of a log-mel spectrum of {len(patches["names"])} bands"""


def _files(manifest: Mapping[str, Any]) -> str:
    own = f"File: {manifest['model']['size']} bytes"
    return f"{own}, the trunk's {manifest['patches']['model']['size']}" if "patches" in manifest else own


def _parity(parity: Mapping[str, Any]) -> str:
    same = f"""largest difference of a probability
  {parity["max_difference"]:.4f}, same mood chosen on {parity["agreement"]:.2%}{_vectors(parity)}."""
    other = parity.get("trunk_agreement", 1.0)
    if other == 1.0:
        return same
    return f"""{same}
- The mood network was trained on what the int8 trunk gives; with the trunk of this bundle it chooses the same mood on
  {other:.2%} of those clips."""


def _vectors(parity: Mapping[str, Any]) -> str:
    return f", mean cosine of mood vectors {parity['vector_cosine']:.4f}" if "vector_cosine" in parity else ""


def _trunk(patches: Mapping[str, Any], accuracy: Mapping[str, Any]) -> str:
    """How a bundle's trunk came about, and what that makes of the figures in `accuracy`."""
    heard = ", ".join(f"{count} of {name}" for name, count in patches["training"]["excerpts"].items())
    return f"""## The trunk

Learned, without labels, to say of three seconds of music what pretrained taggers say: those in the packages musicnn
(ISC) and vibenet (GPL-3.0-or-later), which are not part of this project and are not needed to use or to retrain this
model. It heard half-minute excerpts: {heard}.
The taggers were trained on other people's collections, which may hold songs that judge the model here. The trunk
itself heard no clip of the sets not named.{_heard(patches["training"]["excerpts"], accuracy)}"""


def _heard(excerpts: Mapping[str, int], accuracy: Mapping[str, Any]) -> str:
    """What is to be said of the figures of sets that a trunk has heard; the first set is the one judged."""
    judged, *others = accuracy.get("sets") or [""]
    others = [name for name in others if name in excerpts and "other_sets" in accuracy]
    said = ""
    if judged in excerpts:
        said = f"""
The figures below of {judged} are through trunks that each left out the fold judged."""
    if others:
        said += f"""
Those of {" and ".join(others)} are of clips that the trunk has heard in part, without labels."""
    return said


def _training(training: Mapping[str, Any]) -> str:
    sets = "\n".join(f"- {name}: {count} clips" for name, count in training["clips"].items())
    research = """Trained on research data: the clips were provided for research and are not part of this project. """
    return f"""## Trained on

{sets}

{research if _is_research(training) else ""}{_shown(training["recipe"])}"""


def _shown(recipe: Mapping[str, Any]) -> str:
    """In what guises a clip was shown."""
    count = recipe["variants"]
    changed = f""" in {count} changed version{"s" * (count != 1)} (speed, equalisation, level, bandwidth, room,
noise),"""
    return f"""Each clip was {"also" if count else "only"}
shown{changed if count else ""} in random stretches{", blended in pairs" if recipe["mixup"] else ""}."""


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
    closed = " EMOPIA's terms (CC BY-NC-SA 4.0) rule out commercial use." if "emopia" in training["clips"] else ""
    return f"""## Licence of the weights

The project's licence covers its code. The weights are derived from research data ({", ".join(training["clips"])}) whose
terms do not speak of trained models.{closed} Use them for research and evaluation, and for a product train your own."""


def _again() -> str:
    return """## Training it again, or on your own music

`python -m converters.train --data FOLDER --out BUNDLE`, where FOLDER has one folder of audio per mood (any number of
moods, any names) or a `clips.csv`; see `converters/README.md`."""


def _runtimes(runtimes: Mapping[str, str]) -> str:
    return " and ".join(f"{name} >= {version}" for name, version in runtimes.items())
