"""The report of `converters.table1`: JSON, Markdown, and the confusion matrix of the method as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import protocol, report

#: The row that is the method, and the one that stands for it where it was not computed.
METHOD = ("tuned-lstm3-am", "paper-lstm3-am")
#: What the paper gives, in percent, on 10,000 songs that were never published.
PAPER_ACCURACY = {"lstm": 65.8, "lstm-am": 68.2, "lstm3-am": 71.6, "svm": 69.2, "lda": 66.3}
#: Column by the figure it shows; a dot leads into a nested one.
COLUMNS = {
    "arousal_accuracy": "arousal",
    "valence_accuracy": "valence",
    "log_loss": "log loss",
    "calibration_error": "ECE",
    "calibrated.log_loss": "log loss, calibrated",
    "calibrated.calibration_error": "ECE, calibrated",
}
DRAWS = 1000


def packed(labels: Iterable[int]) -> str:
    """Label numbers as text: one line of JSON instead of hundreds."""
    return " ".join(map(str, labels))


def unpacked(text: str) -> NDArray[np.int64]:
    """What `packed` packed."""
    return np.array(text.split(), dtype=np.int64)


def write(path: Path, contents: Mapping[str, Any]) -> None:
    """Write the JSON at `path`, whole or not at all, and beside it the Markdown and the picture."""
    picture = path.with_suffix(".png")
    report.put(path, contents, markdown(contents, picture.name))
    if pictured := _pictured(contents):
        title = f"{contents['rows'][pictured]['title']}\n{contents['title']}"
        report.draw(_confusion(contents, pictured).tolist(), contents["labels"], title, picture, percent=True)


def markdown(contents: Mapping[str, Any], picture: str) -> str:
    """The report as Markdown."""
    rows, method = contents["rows"], next((key for key in METHOD if key in contents["rows"]), None)
    columns = [key for key in COLUMNS if any(_values(row, key) for row in rows.values())]
    versus = rows[method]["title"] if method else "the method"
    heads = ["model", "seeds", "accuracy", "macro F1 (95 %)", f"macro F1 less that of {versus} (95 %)"]
    heads += [COLUMNS[key] for key in columns] + ["accuracy in the paper"]
    boots, table = {key: _bootstrap(contents, key) for key in rows}, []
    for key, row in rows.items():
        low, high = np.percentile(boots[key], [2.5, 97.5])
        cells = [row["title"], str(len(row["seeds"])), _mean_sd(row, "accuracy")]
        cells += [f"{_mean_sd(row, 'macro_f1')} ({low:.3f}-{high:.3f})", _difference(rows, boots, key, method)]
        cells += [_mean_sd(row, column) for column in columns]
        name = key.split("-", 1)[-1]
        cells.append(f"{PAPER_ACCURACY[name] / 100:.3f}" if name in PAPER_ACCURACY else "")
        table.append(cells)
    lines = [f"# {contents['title']}", "", *_notes(contents), "", *report.table(heads, table)]
    if pictured := _pictured(contents):
        counts = _confusion(contents, pictured)
        lines += ["", f"## Table 2: {rows[pictured]['title']}", ""]
        lines += [f"In percent of the clips of each mood, all seeds together; also in `{picture}`.", ""]
        shares = 100 * counts / np.maximum(1, counts.sum(1, keepdims=True))
        labels = contents["labels"]
        cells = [[f"**{k}**", *(f"{value:.1f}" for value in share)] for k, share in zip(labels, shares, strict=True)]
        lines += report.table(["is \\ taken for", *labels], cells)
    return "\n".join(lines) + "\n"


def _notes(contents: Mapping[str, Any]) -> list[str]:
    clips = len(unpacked(contents["truth"]))
    text = (
        f"{clips} clips are judged, each by models that never saw it. Every row trains on the same clips and "
        "descriptors (LLD-50). `+-` is the standard deviation over seeds; intervals are 95 % over clips (bootstrap of "
        "the mean over seeds). Settings of each row are in the JSON file; SVM and LDA choose theirs inside the "
        "training clips, by folds that share no artist or song. The SVM gives no probabilities."
    )
    if contents["protocol"] == "emopia":
        text += (
            " The clips are rendered from MIDI and are not the recordings that published figures are of. Models train "
            "on the training clips; of the validation clips only the temperature is learnt."
        )
    else:
        text += " Calibrated: with a temperature learnt on the other parts alone."
    return [text, "", "The paper's own accuracies are of 10,000 songs that were never published: not comparable."]


def _values(row: Mapping[str, Any], column: str) -> list[float]:
    group, _, name = column.rpartition(".")
    found = [figures.get(group, {}) if group else figures for figures in row["seeds"].values()]
    return [figures[name] for figures in found if name in figures]


def _mean_sd(row: Mapping[str, Any], column: str) -> str:
    values = _values(row, column)
    if not values:
        return ""
    sd = f" +- {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{sd}"


def _bootstrap(contents: Mapping[str, Any], key: str) -> NDArray[np.float64]:
    """Macro F1, its mean over seeds, on `DRAWS` draws of the clips; the same draws for every row."""
    truth, labels = unpacked(contents["truth"]), len(contents["labels"])
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(truth), len(truth)) for _ in range(DRAWS)]
    runs = [unpacked(figures["chosen"]) for figures in contents["rows"][key]["seeds"].values()]
    f1 = [[protocol.macro_f1(protocol.confusion(truth[d], run[d], labels)) for d in draws] for run in runs]
    return np.asarray(np.mean(f1, axis=0))


def _difference(rows: Mapping[str, Any], boots: Mapping[str, NDArray[np.float64]], key: str, method: str | None) -> str:
    if method is None or key == method:
        return ""
    interval = np.percentile(boots[key] - boots[method], [2.5, 97.5])
    difference = np.mean(_values(rows[key], "macro_f1")) - np.mean(_values(rows[method], "macro_f1"))
    return report.change(float(difference), interval.tolist())


def _pictured(contents: Mapping[str, Any]) -> str | None:
    return next((key for key in (*METHOD, *contents["rows"]) if key in contents["rows"]), None)


def _confusion(contents: Mapping[str, Any], key: str) -> NDArray[np.int64]:
    counts = [figures["confusion"] for figures in contents["rows"][key]["seeds"].values()]
    return np.asarray(np.sum(counts, axis=0))
