"""The kernel machine: against the conditions of its optimum, what it may not depend on, and its way into a bundle."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")

from converters import export, fit, kernel, network, parity, report

NAMES = ("a", "b", "c", "patch_0", "patch_1")
WINDOW = 6


def windows(count, seed=0):
    """Windows whose first and last columns tell two sorts apart, with their masks and sorts."""
    rng = np.random.default_rng(seed)
    sort = np.arange(count) % 2
    x = rng.normal(0, 0.3, (count, WINDOW, len(NAMES))).astype(np.float32)
    x[:, :, [0, 4]] += np.where(sort, 0.2, -0.2)[:, None, None]
    mask = np.ones((count, WINDOW), np.float32)
    mask[::3, 4:] = 0
    return (x * mask[:, :, None], mask), sort


def logits(machine, shown):
    return np.asarray(machine(list(shown), training=False)["logits"], np.float64)


def softmax(values):
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def statistics(shown, weights):
    """Standardised statistics, written down independently of `kernel`."""
    rows = [x[on > 0].astype(np.float64) for x, on in zip(*shown, strict=True)]
    raw = np.array([np.concatenate([r.mean(0), r[:, :3].std(0)]) for r in rows])
    mean = np.average(raw, axis=0, weights=weights)
    cut = np.clip((raw - mean) / np.sqrt(np.average((raw - mean) ** 2, axis=0, weights=weights)), -4, 4)
    return cut / np.sqrt([6, 6, 6, 2, 2, 6, 6, 6])  # three means and three deviations, two of the embedding


@pytest.mark.parametrize("labels", [2, 3])
def test_it_is_at_the_optimum_of_its_objective(labels):
    """With every clip a centre, a clip's coefficients are what its label's probability lacks, over the ridge."""
    shown, sort = windows(40)
    rng = np.random.default_rng(1)
    targets = rng.dirichlet(np.ones(labels), 40) * 0.3 + 0.7 * np.eye(labels)[sort]  # shares, not certainties
    weights = rng.uniform(0.2, 2, 40).astype(np.float32)
    config = kernel.KernelConfig(centres=40, gamma=0.4, ridge=0.05)
    machine = kernel.fit(shown, targets.astype(np.float32), weights, NAMES, config, 0)
    found = logits(machine, shown)
    s = statistics(shown, weights)
    near = np.exp(-config.gamma * ((s[:, None] - s[None]) ** 2).sum(2))
    lacking = weights[:, None] * (targets - softmax(found))
    expected = near @ (lacking / config.ridge)
    if labels == 2:  # one function for both costs half of what two opposite ones do
        expected = (expected[:, 1:] - expected[:, :1]) / 2 * np.array([-0.5, 0.5])
    expected += (found - expected).mean(0)  # the offsets, which cost nothing
    assert np.abs(found - expected).max() < 0.02 * np.ptp(found)
    assert np.abs(lacking.sum(0)).max() < 0.02  # and so no label is given too much on the whole


def test_fewer_centres_span_nearly_the_same():
    shown, sort = windows(60)
    given = np.eye(2, dtype=np.float32)[sort], np.ones(60, np.float32), NAMES
    machines = [kernel.fit(shown, *given, kernel.KernelConfig(centres=n), 0) for n in (60, 30)]
    assert [machine.get_layer("centres").units for machine in machines] == [60, 30]
    full, part = (logits(machine, shown) for machine in machines)
    assert np.corrcoef(full[:, 0], part[:, 0])[0, 1] > 0.97
    assert np.mean(full.argmax(1) == sort) > 0.9


def test_padding_order_and_changes_of_the_embedding_tell_it_nothing():
    shown, sort = windows(30)
    machine = kernel.fit(
        shown, np.eye(2, dtype=np.float32)[sort], np.ones(30, np.float32), NAMES, kernel.KernelConfig(), 0
    )
    (x, mask), found = shown, logits(machine, shown)
    noise = np.random.default_rng(3).normal(size=x.shape).astype(np.float32)
    assert logits(machine, (x + noise * (1 - mask[:, :, None]), mask)) == pytest.approx(found, abs=1e-5)
    turned = x.copy()
    turned[:, :4] = turned[:, 3::-1]
    assert logits(machine, (turned, mask)) == pytest.approx(found, abs=1e-4)
    moved = x.copy()
    moved[:, 0, 3:] += 0.5
    moved[:, 1, 3:] -= 0.5
    assert logits(machine, (moved, mask)) == pytest.approx(found, abs=1e-4)
    moved[:, 1, :3] += 0.5
    assert np.abs(logits(machine, (moved, mask)) - found).max() > 0.1


def test_it_says_little_about_what_it_never_heard_the_like_of():
    shown, sort = windows(60)
    targets = np.eye(3, dtype=np.float32)[np.where(np.arange(60) % 6 == 5, 2, sort)]
    machine = kernel.fit(shown, targets, np.ones(60, np.float32), NAMES, kernel.KernelConfig(gamma=3.0), 0)
    strange = np.zeros((1, WINDOW, 5), np.float32)
    strange[0, :3], strange[0, 3:] = 100, -50
    probs = softmax(logits(machine, (strange, np.ones((1, WINDOW), np.float32))))[0]
    assert softmax(logits(machine, shown)).max(1).mean() > probs.max() + 0.1
    offsets = softmax(logits(machine, (-strange * 7, np.ones((1, WINDOW), np.float32))))[0]
    assert probs == pytest.approx(offsets, abs=1e-3)


def test_columns_of_one_sort_alone_and_a_label_that_no_clip_has():
    (x, mask), sort = windows(20)
    targets = np.eye(3, dtype=np.float32)[sort]
    for columns in (slice(0, 3), slice(3, 5)):
        given = (x[:, :, columns], mask), targets, np.ones(20, np.float32), NAMES[columns]
        probs = softmax(logits(kernel.fit(*given, kernel.KernelConfig(), 0), given[0]))
        assert probs[:, 2].max() < 0.05
        assert np.mean(probs.argmax(1) == sort) > 0.9
    still = np.zeros_like(x)  # nothing varies: nothing to tell them by, and no division by zero
    probs = softmax(
        logits(
            kernel.fit((still, mask), targets, np.ones(20, np.float32), NAMES, kernel.KernelConfig(), 0), (still, mask)
        )
    )
    assert probs[:, :2] == pytest.approx(np.full((20, 2), 0.5), abs=0.05)


@pytest.fixture(scope="module")
def trained():
    """Two networks and a kernel machine on three moods, and the clips' rows and sorts."""
    shown, sort = windows(48)
    rows = [x[on > 0] for x, on in zip(*shown, strict=True)]
    sequences = [[r, r + np.float32(0.05)] for r in rows]
    examples = fit.Examples(sequences, np.eye(3, dtype=np.float32)[sort], np.ones(48, np.float32))
    small = network.NetworkConfig(window=WINDOW, layers=0, hidden=8, attention_units=4)
    recipe = fit.Recipe(
        small, epochs=3, batch_size=8, variants=1, crop_segments=3, members=2, kernel=kernel.KernelConfig()
    )
    return fit.fit(examples, NAMES, recipe, 0), recipe, rows, sort


def test_a_model_of_networks_and_a_machine_mixes_their_logits(trained):
    model, recipe, rows, sort = trained
    *networks, machine = model.parts()
    assert len(networks) == 2
    logs = [np.log(part.predict(rows)) for part in (*networks, machine)]
    expected = softmax((logs[0] + logs[1]) / 2 * (1 - recipe.kernel.share) + logs[2] * recipe.kernel.share)
    assert model.predict(rows) == pytest.approx(expected, abs=1e-5)
    assert np.mean(machine.predict(rows).argmax(1) == sort) > 0.85
    assert report.recipe_of(report.plain(recipe)) == recipe
    assert report.recipe_of(report.plain(replace(recipe, kernel=None))) != recipe


@pytest.mark.parametrize("kind", ["float32", "int8", "float16"])
def test_the_converted_model_has_the_machine_in_it(trained, kind, monkeypatch):
    model, _, rows, _ = trained
    content = export.convert(model, kind, 0.7)
    monkeypatch.setattr(parity, "MAX_DIFFERENCE", {"float32": 1e-5, **parity.MAX_DIFFERENCE})
    monkeypatch.setattr(parity, "MIN_AGREEMENT", {"float32": 1.0, **parity.MIN_AGREEMENT})
    monkeypatch.setattr(parity, "MIN_VECTOR_COSINE", {"float32": 0.9999, **parity.MIN_VECTOR_COSINE})
    parity.compare(model, content, kind, 0.7, rows)
    with pytest.raises(parity.ParityError):
        parity.compare(replace(model, kernel=None), content, kind, 0.7, rows)


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_the_converted_model_has_to_give_the_same_mood_vector(trained, kind):
    model, _, rows, _ = trained
    found = parity.compare(model, export.convert(model, kind, 0.7), kind, 0.7, rows)
    assert found.vector_cosine > parity.MIN_VECTOR_COSINE[kind]
    assert parity.Parity("int8", 1, 0.0, 0.0, 1.0).vector_cosine == 1
    for axes in (0 * model.axes.axes, np.roll(model.axes.axes, 1, axis=1)):
        content = export.convert(replace(model, axes=fit.Axes(model.axes.middle, axes)), kind, 0.7)
        with pytest.raises(parity.ParityError, match=rf"{kind}: mood vectors have a mean cosine of "):
            parity.compare(model, content, kind, 0.7, rows)


def test_versions_of_a_clip_count_as_one_clip(trained):
    _, recipe, rows, sort = trained
    config = replace(recipe.kernel, centres=1000)
    targets, weights = np.eye(3, dtype=np.float32)[sort], np.linspace(0.5, 2, len(rows), dtype=np.float32)
    few = [[r] for r in rows]
    many = [[r] * (1 + 3 * (i % 3)) for i, r in enumerate(rows)]
    one, other = (
        fit._fit_kernel(fit.Examples(shown, targets, weights), NAMES, config, WINDOW, 0) for shown in (few, many)
    )
    shown = fit.padded(rows, WINDOW)
    expected, found = logits(one, shown), logits(other, shown)
    assert np.abs(found - expected).max() < 0.02 * np.ptp(expected)
    heavier = fit._fit_kernel(fit.Examples(few, targets, weights * [len(v) for v in many]), NAMES, config, WINDOW, 0)
    assert np.abs(logits(heavier, shown) - expected).max() > 0.1 * np.ptp(expected)


def test_the_parts_of_a_model_have_no_axes_of_all_its_members(trained):
    model, _, rows, _ = trained
    assert [part.vector_size for part in model.parts()] == [8, 8, 16]
    assert [part.vectors(rows).shape for part in model.parts()] == [(48, 8), (48, 8), (48, 16)]


def test_the_mood_vector_is_given_by_its_principal_axes(trained):
    model, _, rows, _ = trained
    x, mask = fit.padded([model.normalisation(r) for r in rows], WINDOW)
    vectors = [np.asarray(m([x, mask], training=False)["vector"]) for m in model.members]
    together = np.concatenate(vectors, axis=1)
    found = np.asarray(model.vector(vectors))
    assert found.shape == (48, model.vector_size) == (48, 16)
    assert np.abs(found.mean(0)).max() < 1e-4  # of the clips it learned from
    assert found @ found.T == pytest.approx((together - together.mean(0)) @ (together - together.mean(0)).T, abs=1e-3)
    few = fit.Axes.of(together, 3)
    assert few.axes.shape == (16, 3)
    assert few.axes.T @ few.axes == pytest.approx(np.eye(3), abs=1e-5)
    shares = ((together - few.middle) @ few.axes).var(axis=0)
    assert list(shares) == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(np.linalg.eigvalsh(np.cov(together.T, bias=True))[-1], rel=1e-3)
