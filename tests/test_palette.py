"""Moods stay apart for those who see fewer colours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemood import palette
from edgemood.domain import QUADRANTS

Array = NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, full severity, on linear RGB.
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
# Brettel, Vienot and Mollon 1997, better for this one: two half planes, and the normal of the plane that parts them.
TRITANOPIA = (
    [[1.01277, 0.13548, -0.14826], [-0.01243, 0.86812, 0.14431], [0.07589, 0.80500, 0.11911]],
    [[0.93678, 0.18979, -0.12657], [0.06154, 0.81526, 0.12320], [-0.37562, 1.12767, 0.24796]],
    [0.03901, -0.02788, -0.01113],
)
VISIONS = ("all colours", "protanopia", "deuteranopia", "tritanopia")

#: In OKLab, where black and white are 1 apart. Where colours differ by less than 0.1, areas side by side run together.
APART = 0.16


def linear(colour: str) -> Array:
    """Linear RGB of ``#rrggbb``."""
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> Array:
    """What is left of a colour, linear RGB."""
    rgb = linear(colour)
    if vision == "tritanopia":
        first, second, normal = (np.array(part) for part in TRITANOPIA)
        rgb = (first if normal @ rgb >= 0 else second) @ rgb
    elif vision != "all colours":
        rgb = np.array(PROTANOPIA if vision == "protanopia" else DEUTERANOPIA) @ rgb
    return np.clip(rgb, 0, 1)


def oklab(rgb: Array) -> Array:
    cones = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
    cones.append([0.0883024619, 0.2817188376, 0.6299787005])
    lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
    lab.append([0.0259040371, 0.7827717662, -0.8086757660])
    return np.array(lab) @ np.cbrt(np.array(cones) @ rgb)


def distance(one: str, other: str, vision: str) -> float:
    return float(np.linalg.norm(oklab(seen(one, vision)) - oklab(seen(other, vision))))


def contrast(one: str, other: str) -> float:
    """WCAG's ratio."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_the_yardstick_knows_what_is_confused() -> None:
    assert distance("#000000", "#ffffff", "all colours") == pytest.approx(1, abs=1e-3)
    assert distance("#d1495b", "#66a182", "all colours") > 0.2  # a red and a green ...
    assert distance("#d1495b", "#66a182", "deuteranopia") < 0.1  # ... that many men cannot tell apart
    assert distance("#00a5a5", "#2c8fd6", "tritanopia") < 0.5 * distance("#00a5a5", "#2c8fd6", "all colours")
    for vision in VISIONS:
        assert distance("#777777", "#777777", vision) == 0
        np.testing.assert_allclose(seen("#777777", vision), linear("#777777"), atol=2e-3)  # grey stays grey


@pytest.mark.parametrize("vision", VISIONS)
def test_moods_are_apart(vision: str) -> None:
    assert set(palette.COLOURS) == set(QUADRANTS)
    for one, other in combinations(QUADRANTS, 2):
        assert distance(palette.COLOURS[one], palette.COLOURS[other], vision) > APART, (one, other)


@pytest.mark.parametrize("vision", VISIONS)
def test_what_is_not_judged_is_apart_from_moods(vision: str) -> None:
    for mood, colour in palette.COLOURS.items():
        assert distance(palette.GREY, colour, vision) > 0.08, mood


def test_colours_say_where_on_the_plane_a_mood_lies() -> None:
    lab = {mood: oklab(linear(colour)) for mood, colour in palette.COLOURS.items()}
    lightness = {mood: lab[mood][0] for mood in lab}
    warmth = {mood: lab[mood][1] + lab[mood][2] for mood in lab}
    assert min(lightness[mood] for mood, (v, _) in QUADRANTS.items() if v > 0) > 0.1 + max(
        lightness[mood] for mood, (v, _) in QUADRANTS.items() if v < 0
    )
    assert min(warmth[mood] for mood, (_, a) in QUADRANTS.items() if a > 0) > 0.1 + max(
        warmth[mood] for mood, (_, a) in QUADRANTS.items() if a < 0
    )


def test_contrasts() -> None:
    for colour in palette.COLOURS.values():
        assert contrast(colour, "#14171a") >= 3
        assert max(contrast(colour, "#ffffff"), contrast(colour, palette.INK)) >= 4.5  # text on it
    assert contrast(palette.INK, "#ffffff") > 12
    assert contrast(palette.QUIET, "#ffffff") >= 4.5


def test_each_mood_has_signs_of_its_own() -> None:
    for signs in (palette.MARKERS, palette.HATCHES):
        assert set(signs) == set(QUADRANTS)
        assert len(set(signs.values())) == 4


def test_other_labels_have_other_colours() -> None:
    assert palette.colours(["sad", "happy"]) == {"sad": palette.COLOURS["sad"], "happy": palette.COLOURS["happy"]}
    for give in (palette.colours, palette.markers, palette.hatches):
        others = give(["up", "down", "calm", "d", "e", "f"])
        assert list(others) == ["up", "down", "calm", "d", "e", "f"]
        assert len(set(others.values())) == 6
        assert len(give([f"mood {n}" for n in range(20)])) == 20
