"""The card of a bundle says what its manifest says, and no more; on the bundles that ship and on changed manifests."""

import copy
import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")

from converters import card
from edgemood.mood import MODELS

DEFAULT = json.loads((MODELS / "default" / "manifest.json").read_text(encoding="utf-8"))


def words(manifest):
    return " ".join(card.text(manifest).split())


def changed(**tables):
    manifest = copy.deepcopy(DEFAULT)
    for name, values in tables.items():
        manifest[name] |= values
    return manifest


@pytest.mark.parametrize("name", ["default", "default-f16"])
def test_the_cards_that_ship_are_of_their_manifests(name):
    manifest = json.loads((MODELS / name / "manifest.json").read_text(encoding="utf-8"))
    assert card.text(manifest) == (MODELS / name / "CARD.md").read_text(encoding="utf-8")
    assert f"| the kernel machine alone, macro F1 | {manifest['accuracy']['kernel']['macro_f1']:.3f} |" in words(
        manifest
    )


def test_near_agreement_is_not_shown_as_agreement():
    parity = {"agreement": 0.9995, "trunk_agreement": 0.9999, "vector_cosine": 0.9987}
    shown = words(changed(parity=parity))
    assert "same mood chosen on 99.95%, mean cosine of mood vectors 0.9987." in shown
    assert "it chooses the same mood on 99.99% of those clips" in shown
    assert "mean cosine" not in words(DEFAULT)


@pytest.mark.parametrize(
    ("variants", "mixup", "said"),
    [
        (0, 0.0, "Each clip was only shown in random stretches."),
        (0, 1.0, "Each clip was only shown in random stretches, blended in pairs."),
        (
            1,
            0.0,
            "Each clip was also shown in 1 changed version (speed, equalisation, level, bandwidth, room, noise), in",
        ),
        (2, 0.3, "noise), in random stretches, blended in pairs."),
    ],
)
def test_in_what_guises_clips_were_shown(variants, mixup, said):
    recipe = DEFAULT["training"]["recipe"] | {"variants": variants, "mixup": mixup}
    assert said in words(changed(training={"recipe": recipe}))


def test_whether_the_trunk_had_heard_what_figures_are_of():
    left_out = "The figures below of 4qaed are through trunks that each left out the fold judged."
    heard = "Those of emotify and emopia are of clips that the trunk has heard in part, without labels."
    assert f"{left_out} {heard}" in words(DEFAULT)
    own = words(changed(accuracy={"sets": ["mine"]}))
    assert left_out[:20] not in own
    assert "has heard in part" not in own
    beside = words(changed(accuracy={"sets": ["mine", "emopia"]}))
    assert left_out[:20] not in beside
    assert "Those of emopia are of clips" in beside
