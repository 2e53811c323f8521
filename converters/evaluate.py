"""Judging models: ``python -m converters.evaluate {table1,folds,published,...} --data DIR``.

table1     the paper's Table 1: five models on the same descriptors and folds, the networks by two recipes
folds      protocol A: five folds that share no artist, the figures that count
published  protocol B: stratified 10-fold that ignores artists, to stand beside published figures
tune       inner validation of the recipes in `converters.recipes`: the test fold is never looked at
svm        protocol A for a support vector machine on the same descriptors
paper      protocol A for the paper's own settings
robustness protocol A under codecs, other levels, noise, rooms: accuracy, and whether moods flip
quantise   size, latency and accuracy of every kind of export
ablation   groups of descriptors, one by one, by a support vector machine
bundle     a finished bundle on clips that it never learned from
listener   the paper's Table 3: the listener's present mood, on simulated sessions
recommend  lists of the next songs for simulated listeners, beside plainer ways

``--columns`` says what the models read. Each kind writes a report (Markdown and JSON) and, where it judges, pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from converters import (
    ablation,
    baseline,
    columns,
    datasets,
    judge_bundle,
    listening,
    protocol,
    quantise,
    recipes,
    recommending,
    report,
    robustness,
    table1,
)
from converters.cache import FeatureCache
from converters.fit import PAPER
from converters.judging import judge, tune
from converters.material import Material
from converters.recipes import CANDIDATES


def _table1(options: argparse.Namespace, cache: FeatureCache) -> None:
    table1.run(datasets.load(options.data), cache, options)


def _tune(options: argparse.Namespace, cache: FeatureCache) -> None:
    material = Material(datasets.load(options.data), cache, max(r.variants for r in CANDIDATES.values()))
    report.write(options.reports, "tune", tune(material, options.seed, options.jobs))


def _svm(options: argparse.Namespace, cache: FeatureCache) -> None:
    material = Material(datasets.load(options.data), cache, 0)
    report.write(options.reports, _name("svm", options), baseline.machine(material, transformed=True))
    report.write(options.reports, _name("svm-plain", options), baseline.machine(material, transformed=False))


def _networks(options: argparse.Namespace, cache: FeatureCache) -> None:
    recipe = PAPER if options.what == "paper" else recipes.of(options.columns, members=options.members)
    material = Material(datasets.load(options.data), cache, recipe.variants)
    if options.what == "published":
        title = "Protocol B: stratified 10-fold that ignores artists"
        splits = list(protocol.stratified(material.clips, options.seed))
    else:
        what = "the paper's own settings" if options.what == "paper" else _WHAT[options.columns]
        title = f"{material.protocol_a}, {what}"
        splits = list(protocol.folds(material.clips))
    judged = judge(material, recipe, options.seed, splits, options.jobs)
    report.write(options.reports, _name(options.what, options), {"title": title} | judged)


_WHAT = {
    "lld50": "the method",
    "wide": "the default bundle's recipe without a trunk",
    "default": "the default bundle's model",
}


def _name(what: str, options: argparse.Namespace) -> str:
    """What a report is called: that of the method itself has the plain name."""
    return what if options.columns == "lld50" else f"{what}-{options.columns}"


def _bundle(options: argparse.Namespace) -> None:
    sets = datasets.load(options.data)
    found = judge_bundle.judge(options.bundle, sets)
    print(judge_bundle.page(found), end="")
    if folder := judge_bundle.place(options.bundle, sets, options.reports, REPORTS):
        name = f"bundle-{Path(options.bundle).resolve().name}"
        judge_bundle.write(folder, name, found)
        print(f"\nWritten to {folder / name}.md and .json")


KINDS = {
    "table1": _table1,
    "folds": _networks,
    "published": _networks,
    "tune": _tune,
    "svm": _svm,
    "paper": _networks,
    "robustness": robustness.command,
    "quantise": quantise.command,
    "ablation": ablation.command,
    "listener": listening.command,
    "recommend": recommending.command,
}
#: Kinds with options of their own.
OPTIONS = {
    "table1": table1.add_options,
    "robustness": robustness.add_options,
    "quantise": quantise.add_options,
    "ablation": ablation.add_options,
    "bundle": judge_bundle.add_options,
    "listener": listening.add_options,
    "recommend": recommending.add_options,
}
REPORTS = Path(__file__).parent / "reports"
#: Kinds that say themselves what is read.
OWN_COLUMNS = ("table1", "ablation", "bundle")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one kind of evaluation and write its reports."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, required=True, help="the folder with the sets (see converters/README.md)")
    common.add_argument("--cache", type=Path, default=Path("build/features"), help="where descriptors are kept")
    common.add_argument("--reports", type=Path, help="folder for reports (default: the project's)")
    common.add_argument("--jobs", type=int, default=1, help="folds trained at the same time")
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    kinds = parser.add_subparsers(dest="what", required=True)
    for name in [*KINDS, "bundle"]:
        kind = kinds.add_parser(name, parents=[common])
        OPTIONS.get(name, lambda _: None)(kind)
        if name in OWN_COLUMNS:
            continue
        columns.add_options(kind, "lld50")
        kind.add_argument("--seed", type=int, default=0)
        if name in ("folds", "published"):
            kind.add_argument("--members", type=int, help="networks to average, if not the recipe's")
    options = parser.parse_args(arguments)
    try:
        if options.what == "bundle":
            return _bundle(options)
        read = columns.LLD50 if options.what in OWN_COLUMNS else columns.get(options.columns, options.trunk)
        options.reports = options.reports or REPORTS
        KINDS[options.what](options, FeatureCache(options.cache, read))
    except (datasets.DataError, table1.OtherMaterialError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
