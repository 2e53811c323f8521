"""The picture for the README: how many times longer each peer takes, on a logarithmic scale.

Colours are two that the colour-blind can tell apart, and all of them are readable on white and on black.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from .table import PEERS

_OURS, _THEIRS, _TEXT, _GRID = "#d55e00", "#0072b2", "#808080", "#80808055"
_WIDTH, _LEFT, _RIGHT, _BAR, _GAP = 760, 190, 70, 15, 5
_BEFORE = 0.4  # decades left of 1, so that edgemood has a bar to see
_TITLES = {
    "mfcc": "MFCC alone (16 kHz, 25/10 ms, 512 FFT, 26 mel, 13 coefficients)",
    "lld": "The whole set of descriptors (peers: as far as they have it)",
    "f0": "Fundamental frequency alone",
}


def svg(results: Mapping[str, Any]) -> str:
    """One group of bars a bench, edgemood first at 1, then its peers from the fastest to the slowest."""
    rows = results.get("peers", {})
    groups = {key: _bars(rows, key) for key in _TITLES}
    most = max((value for bars in groups.values() for _, value in bars), default=10.0)
    decades = math.ceil(math.log10(max(most, 10.0)))
    scale = (_WIDTH - _LEFT - _RIGHT) / (decades + _BEFORE)
    parts, top = [], 40
    for key, bars in groups.items():
        if len(bars) < 2:
            continue
        parts.append(_text(8, top, _TITLES[key], "start", bold=True))
        top += 10
        bottom = top + len(bars) * (_BAR + _GAP)
        for decade in range(decades + 1):
            x = _LEFT + (decade + _BEFORE) * scale
            parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{_GRID}"/>')
            parts.append(_text(x, bottom + 12, f"{10**decade:,}", "middle"))
        for name, value in bars:
            width = max((math.log10(value) + _BEFORE) * scale, 3.0)
            colour = _OURS if name == "edgemood" else _THEIRS
            parts.append(_text(_LEFT - 8, top + _BAR - 3, name, "end", bold=name == "edgemood"))
            parts.append(f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>')
            parts.append(_text(_LEFT + width + 6, top + _BAR - 3, _label(value), "start"))
            top += _BAR + _GAP
        top = bottom + 42
    head = _text(8, 14, "CPU time, times edgemood's: one thread, same audio, same frames; logarithmic", "start")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top - 20}" font-family="sans-serif" '
        f'font-size="12" role="img"><title>edgemood beside its peers</title>{head}{"".join(parts)}</svg>\n'
    )


def _bars(rows: Mapping[str, Any], key: str) -> list[tuple[str, float]]:
    found = [
        (peer.name, rows[peer.key]["over_ours"]["median"])
        for peer in PEERS
        if peer.bench == key and peer.least is not None and "over_ours" in rows.get(peer.key, {})
    ]
    return sorted([("edgemood", 1.0), *found], key=lambda bar: (bar[0] != "edgemood", bar[1]))


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}" if value > 1 else "1"


def _text(x: float, y: float, text: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{_TEXT}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
