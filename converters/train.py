"""Train a model bundle: ``python -m converters.train --data DIR --out BUNDLE``.

DIR holds the research sets or clips of one's own (see `converters.datasets`). The model is trained on all of them with
the recipe of `converters.recipes`. The figures in its card are those of an evaluation with the same recipe, which is
run first unless a report of it is given.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from converters import bundle, columns, datasets, export, protocol, recipes, report
from converters.cache import FeatureCache
from converters.fit import Recipe
from converters.judging import judge
from converters.material import Material
from converters.parity import ParityError


def train(material: Material, recipe: Recipe, evaluation: dict[str, Any], options: argparse.Namespace) -> None:
    """Train on everything and write one bundle for each kind of export asked for."""
    trained = material.fit(np.arange(len(material.clips)), recipe, options.seed)
    if options.baseline:
        beside = report.read(options.baseline)
        figures = {key: beside["model"][key] for key in ("macro_f1", "macro_f1_95", "accuracy")}
        evaluation = {**evaluation, "baseline": {"title": beside["title"], **figures}}
    counts = Counter(clip.dataset for clip in material.clips if recipe.extra_weight or clip.dataset == material.sets[0])
    training = {"clips": dict(counts), "recipe": report.plain(recipe), "seed": options.seed}
    if options.commit:
        training["commit"] = options.commit
    facts = bundle.Facts(
        name=options.out.name,
        version=options.version,
        labels=material.labels,
        temperature=evaluation["temperature"],
        evaluation=evaluation,
        training=training,
        columns=material.columns,
    )
    check = material.own(range(len(material.clips)))
    for kind in options.kinds:
        own = columns.for_kind(material.columns, kind)
        shown = None
        if own is not material.columns:
            shown = [rows for (rows,) in FeatureCache(options.cache, own).sequences(material.clips)]
        suffix = "" if kind == options.kinds[0] else "-f16" if kind == "float16" else f"-{kind}"
        folder = options.out.with_name(options.out.name + suffix)
        manifest = bundle.write(folder, kind, trained, replace(facts, name=folder.name, columns=own), check, shown)
        print(f"{folder}: {manifest.size} bytes, {manifest.quantisation}")


def _recipe(options: argparse.Namespace) -> Recipe:
    """The one asked for.

    Raises
    ------
    DataError
        Its network has not what is to be changed.
    """
    recipe = recipes.of(options.columns, **{key: getattr(options, key) for key in ("members", "epochs", "variants")})
    if options.units is None:
        return recipe
    if not recipe.network.layers:
        raise datasets.DataError(f"--units: the networks for --columns {options.columns} have no LSTM layers")
    return replace(recipe, network=replace(recipe.network, units=options.units))


def _evaluation(material: Material, recipe: Recipe, options: argparse.Namespace) -> dict[str, Any]:
    """The report given, which has to be by this recipe, or a new one."""
    if not options.evaluation:
        splits = list(protocol.folds(material.clips))
        return {"title": material.protocol_a} | judge(material, recipe, options.seed, splits, options.jobs)
    evaluation = report.read(options.evaluation)
    if "recipe" not in evaluation or report.recipe_of(evaluation["recipe"]) != recipe:
        raise datasets.DataError(f"{options.evaluation} was made with another recipe")
    return evaluation


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, evaluate where needed, train and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="clips to train on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle; a second kind gets a suffix")
    columns.add_options(parser, "default")
    parser.add_argument("--version", default="1", help="version of the bundle")
    parser.add_argument("--kinds", nargs="+", choices=export.KINDS, default=list(export.KINDS))
    parser.add_argument("--evaluation", type=Path, help="the JSON report of `evaluate folds` with the same recipe")
    parser.add_argument(
        "--baseline", type=Path, help="the JSON report of `evaluate svm`, to stand beside it in the card"
    )
    parser.add_argument("--cache", type=Path, default=Path("build/features"), help="where descriptors are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="folds trained at the same time")
    parser.add_argument("--commit", help="the commit of this project, for the manifest")
    parser.add_argument("--members", type=int, help="networks to average, if not the recipe's")
    parser.add_argument("--epochs", type=int, help="epochs, if not the recipe's")
    parser.add_argument("--variants", type=int, help="changed versions of each clip, if not the recipe's")
    parser.add_argument("--units", type=int, help="units of each LSTM layer, if not the recipe's")
    options = parser.parse_args(arguments)
    try:
        recipe = _recipe(options)
        cache = FeatureCache(options.cache, columns.get(options.columns, options.trunk))
        material = Material(datasets.load(options.data), cache, recipe.variants)
        train(material, recipe, _evaluation(material, recipe, options), options)
    except (datasets.DataError, ParityError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
