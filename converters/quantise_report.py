"""What `converters.quantise` found, as a page and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters import report

#: Parts of a model that are quantised: what a part is called, what one call of it reads, what it is compared with.
PARTS = {
    "mood": ("Mood network", "window", "Keras"),
    "trunk": ("Trunk", "patch", "the float32 file"),
}
_NOTE = (
    "{clips} clips, each judged by a model that never saw it, nor another clip by its artist. Each file is run as the "
    "product runs it: the trunk by the delegate for convolutions (XNNPACK), the mood network without. A trunk is "
    "judged through the mood networks, which Keras runs and which were trained on the rows of the trunk that ships. "
    "`int8` has int8 weights, `full-int8` int8 activations, too, whose ranges come from training clips. Weights: "
    "share of the file's constants, counted in bytes; matrices of fewer than 1,024 elements stay float32. ms: CPU time "
    "of one thread on the machine that made this report, a median over rounds in which the kinds took turns; beside "
    "it, as the median of the ratios within rounds, in times that of float32. A song lasts four minutes. Intervals are "
    "95 % over clips (bootstrap; paired for differences). Probabilities p are as the networks give them, not "
    "calibrated. Also in `{picture}`."
)


def markdown(contents: Mapping[str, Any], picture: str) -> str:
    """The report as Markdown."""
    lines = [f"# {contents['title']}", "", _NOTE.format(clips=contents["clips"], picture=picture)]
    for name, model in contents["models"].items():
        lines += ["", f"## {name}", "", report.trained(model["settings"])]
        for part in (part for part in PARTS if part in model):
            lines += ["", *_table(model[part], *PARTS[part])]
    return "\n".join(lines) + "\n"


def _table(part: Mapping[str, Any], title: str, call: str, reference: str) -> list[str]:
    heads = [
        "kind",
        "bytes",
        "weights",
        f"ms a {call}",
        "times float32",
        f"ms a song ({part['calls_a_song']})",
        "accuracy",
        "macro F1",
        f"less that of {reference}",
        "agreement",
        "change of p, mean",
        "largest",
    ]
    lines = [
        f"### {title}",
        "",
        f"{reference[0].upper()}{reference[1:]}: accuracy {part['reference']['accuracy']:.3f}, macro F1 "
        f"{report.f1(part['reference'])}.",
        "",
    ]
    return lines + report.table(heads, [_row(kind, part) for kind in part["kinds"]]) + _refusals(part)


def _row(kind: str, part: Mapping[str, Any]) -> list[str]:
    row = part["kinds"][kind]
    if "refused" in row:
        return [kind, "none: see below", *[""] * 10]
    times = part["latency"][kind]
    return [
        kind,
        f"{row['bytes']:,}",
        ", ".join(f"{name} {share:.0%}" for name, share in row["weights"].items() if share >= 0.005),
        f"{times['ms']:.3f}",
        f"{times['ratio']:.2f}",
        f"{times['ms'] * part['calls_a_song']:.1f}",
        f"{row['accuracy']:.3f}",
        report.f1(row),
        report.change(row["macro_f1"] - part["reference"]["macro_f1"], row["macro_f1_change_95"]),
        f"{row['agreement']:.3f}",
        f"{row['probability_change']:.4f}",
        f"{row['probability_change_max']:.4f}",
    ]


def _refusals(part: Mapping[str, Any]) -> list[str]:
    refused = {kind: row["refused"] for kind, row in part["kinds"].items() if "refused" in row}
    lines = [f"- **{kind}**: {reason.removeprefix(f'{kind}: ')}" for kind, reason in refused.items()]
    return ["", *lines] if lines else []


def draw(contents: Mapping[str, Any], path: Path) -> None:
    """A picture of macro F1, with its intervals, over size: a colour for each model, a marker for each kind."""
    from matplotlib.figure import Figure

    models = contents["models"]
    parts = [part for part in PARTS if any(part in model for model in models.values())]
    figure = Figure(figsize=(1.2 + 4.8 * len(parts), 4.6), layout="constrained")
    for axes, part in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        title, _, reference = PARTS[part]
        for k, (name, model) in enumerate(models.items()):
            if part in model:
                _draw_model(axes, model[part], name, f"C{k}")
        axes.set(xlabel="kB", ylabel="macro F1 (95 % interval over clips)", title=f"{title} (dashed: {reference})")
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    figure.savefig(path, dpi=110)


def _draw_model(axes: Any, part: Mapping[str, Any], name: str, colour: str) -> None:
    axes.axhline(part["reference"]["macro_f1"], color=colour, linestyle="--", linewidth=1)
    for (kind, row), marker in zip(part["kinds"].items(), "osD^vPX*<>" * len(part["kinds"]), strict=False):
        if "refused" in row:
            continue
        beyond = report.beyond([row["macro_f1"]], [row["macro_f1_95"]])
        label = f"{name}, {kind}"
        axes.errorbar(
            row["bytes"] / 1000, row["macro_f1"], beyond, fmt=marker, mfc="none", color=colour, capsize=3, label=label
        )
