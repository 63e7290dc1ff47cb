"""Weeks to detection of elevated fault rates by six methods: `python -m benchmarks.fault_alarms`.

A group tests 20 models by 10 components every week of a year. The models' own rates differ (gamma of mean 1); a few
cells are large, most are small. All methods see the same counts, and the threshold of each is set so that 5% of the
simulated years without a fault have a false alarm: methods are compared at the same family-wise false-alarm rate.
Thresholds are set on one half of these years, the false-alarm rates printed are those of the other half. Then the rate
of one cell of given size is raised from the first week on; alarms of other cells do not count.

- rate: cumulative rate over the expected rate, from 3 events on
- prr: proportional reporting ratio, from 3 events on
- eb05: 5% quantile of the two-component gamma-Poisson posterior, with the prior fitted to the same week of years
  without a fault
- weekly: p-value of the count of this week
- poisson: p-value of the cumulative count, a stronger method than the usual ones
- evidence: the e-process of `ml.domain.faults.build_range_evidence`, with the true between-model variance and without
  reference weeks, as of a model that is new; each cell has a share of the false-alarm rate in proportion to its
  expected events
- theory: the same at the threshold ``log(1 / alpha)`` of the theory, which needs no simulated years
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from ml.domain.arrays import FloatArray
from ml.domain.faults.build_range_evidence import CellReference
from ml.domain.faults.shrinkage.disproportionality import proportional_reporting_ratio
from ml.domain.faults.shrinkage.fitting import fit_mixture
from ml.domain.faults.shrinkage.priors import Prior
from ml.domain.faults.shrinkage.scores import scores
from ml.domain.faults.shrinkage.squashing import squash

MODELS, COMPONENTS, WEEKS = 20, 10, 52
CELLS, ALPHA = MODELS * COMPONENTS, 0.05
RATIOS, SIZES = (1.5, 2.0, 3.0), (10.0, 30.0, 80.0, 200.0)
METHODS = ("rate", "prr", "eb05", "weekly", "poisson", "evidence")
MIN_EVENTS = 3


@dataclass(frozen=True)
class Group:
    """Expected events of each cell in a year, and the variance of the cells' own rates."""

    yearly: FloatArray
    between_model_variance: float

    def counts(self, rng: np.random.Generator, years: int, *, cell: int = -1, ratio: float = 1.0) -> FloatArray:
        """Draw cumulative counts, shape (years, weeks, cells); `cell` has its rate raised by `ratio`."""
        own_rate = np.ones((years, CELLS))
        if self.between_model_variance > 0:
            own_rate = rng.gamma(1 / self.between_model_variance, self.between_model_variance, (years, CELLS))
        if cell >= 0:
            own_rate[:, cell] *= ratio
        weekly = rng.poisson((self.yearly * own_rate / WEEKS)[:, None, :], (years, WEEKS, CELLS))
        return weekly.cumsum(axis=1).astype(np.float64)

    @property
    def expected(self) -> FloatArray:
        """Cumulative expected events, shape (weeks, cells)."""
        return np.asarray(np.arange(1, WEEKS + 1)[:, None] / WEEKS * self.yearly[None, :])


def group(between_model_variance: float, *, seed: int = 0) -> Group:
    """Return cells of very different sizes: 0.5 to 200 expected events a year."""
    rng = np.random.default_rng(seed)
    yearly = np.exp(rng.normal(2.0, 1.3, CELLS)).clip(0.5, 200)
    return Group(yearly, between_model_variance)


def statistics(cells: Group, count: FloatArray, priors: list[Prior], chosen: slice) -> dict[str, FloatArray]:
    """Return the statistic of each method, shape (years, weeks, chosen cells); -inf below the minimum count."""
    expected = np.broadcast_to(cells.expected, count.shape)[:, :, chosen]
    n = count[:, :, chosen]
    table = count.reshape(*count.shape[:2], MODELS, COMPONENTS)
    by_model = np.repeat(table.sum(axis=3), COMPONENTS, axis=2)[:, :, chosen]
    by_component = np.tile(table.sum(axis=2), (1, 1, MODELS))[:, :, chosen]
    total = np.broadcast_to(count.sum(axis=2)[:, :, None], n.shape)
    enough = n >= MIN_EVENTS
    ratio = proportional_reporting_ratio(
        np.where(enough, n, 1).ravel().astype(np.int64),
        np.where(enough, by_model, 2).ravel().astype(np.int64),
        column_total=np.where(enough, by_component, 2).ravel().astype(np.int64),
        total=np.where(enough, total, 9).ravel().astype(np.int64),
    )
    prr = np.nan_to_num(np.asarray(ratio.value).reshape(n.shape), nan=-np.inf, posinf=-np.inf)
    eb05 = np.empty(n.shape)
    for w, prior in enumerate(priors):
        flat = scores(prior, n[:, w].ravel().astype(np.int64), expected[:, w].ravel()).lower
        eb05[:, w] = np.asarray(flat).reshape(n[:, w].shape)
    log_share = np.log(cells.yearly / cells.yearly.sum())[chosen]
    new = CellReference(np.zeros(1), np.zeros(1), max(cells.between_model_variance, 1e-6))
    log_e = new.log_e(n.reshape(-1, 1), expected.reshape(-1, 1))
    week = np.diff(n, axis=1, prepend=0)
    return {
        "rate": np.where(enough, n / expected, -np.inf),
        "prr": np.where(enough, prr, -np.inf),
        "eb05": eb05,
        "weekly": -poisson.logsf(week - 1, expected[:, :1]),
        "poisson": -poisson.logsf(n - 1, expected),
        "evidence": log_e.reshape(n.shape) + log_share,
    }


def race(between_model_variance: float, *, years: int, raised: int, seed: int = 1) -> dict[str, object]:
    """Return thresholds, false-alarm rates and weeks to detection of each method for one between-model variance."""
    rng = np.random.default_rng(seed)
    cells = group(between_model_variance)
    count = cells.counts(rng, 2 * years)
    priors = []
    for w in range(WEEKS):
        n, expected = count[:years, w].ravel().astype(np.int64), np.tile(cells.expected[w], years)
        points = squash(n, expected)
        priors.append(fit_mixture(points.count, points.expected, weight=points.weight).prior)
    maxima: dict[str, list[FloatArray]] = {method: [] for method in METHODS}
    for part in np.array_split(count, max(1, 2 * years // 50)):
        for method, values in statistics(cells, part, priors, slice(None)).items():
            maxima[method].append(values.max(axis=(1, 2)))
    highest = {method: np.concatenate(parts) for method, parts in maxima.items()}
    thresholds = {m: float(np.quantile(v[:years], 1 - ALPHA, method="higher")) for m, v in highest.items()}
    thresholds["theory"] = float(np.log(1 / ALPHA))
    false_alarms = {m: float((highest[m][years:] > thresholds[m]).mean()) for m in METHODS}
    false_alarms["theory"] = float((highest["evidence"] > thresholds["theory"]).mean())
    settings = [
        _setting(cells, rng, priors, thresholds, ratio=ratio, size=size, years=raised)
        for ratio in RATIOS
        for size in SIZES
    ]
    return {
        "between_model_variance": between_model_variance,
        "alarm_thresholds": thresholds,
        "false_alarm_rates": false_alarms,
        "settings": settings,
    }


def _setting(
    cells: Group, rng: np.random.Generator, priors: list[Prior], thresholds: Mapping[str, float], *, ratio: float,
    size: float, years: int,
) -> dict[str, object]:  # fmt: skip
    cell = int(np.argmin(np.abs(cells.yearly - size)))
    yearly = cells.yearly.copy()
    yearly[cell] = size
    resized = Group(yearly, cells.between_model_variance)
    values = statistics(resized, resized.counts(rng, years, cell=cell, ratio=ratio), priors, slice(cell, cell + 1))
    row: dict[str, object] = {"ratio": ratio, "size": size}
    for method, threshold in thresholds.items():
        raised = values["evidence" if method == "theory" else method][:, :, 0] > threshold
        week = np.where(raised.any(axis=1), raised.argmax(axis=1) + 1.0, np.inf)
        row[method] = {"median": float(np.quantile(week, 0.5, method="lower")), "in_26": float((week <= 26).mean())}
    return row


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_alarms", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument(
        "--years", type=int, default=400, help="years without a fault: this many to set thresholds, as many to test"
    )
    parser.add_argument("--raised", type=int, default=400, help="years with an elevated rate, in each setting")
    parser.add_argument(
        "--between-model-variance", type=float, nargs="+", default=[0.0, 0.04], help="variances of the cells' own rates"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    races = [race(v, years=options.years, raised=options.raised) for v in options.between_model_variance]
    if options.json:
        print(json.dumps(races))
        return
    for figures in races:
        _print(figures)


def _print(figures: dict[str, object]) -> None:
    methods = (*METHODS, "theory")
    false_alarms, settings = figures["false_alarm_rates"], figures["settings"]
    assert isinstance(false_alarms, dict) and isinstance(settings, list)
    print(f"\nbetween-model variance {figures['between_model_variance']:g}; {CELLS} cells, {WEEKS} weekly tests")
    print("median week of the alarm (share detected within 26 weeks); inf: not within the year")
    print(f"{'':>24}" + "".join(f"{method:>15}" for method in methods))
    print(f"{'years with false alarms':>24}" + "".join(f"{false_alarms[method]:>15.1%}" for method in methods))
    for row in settings:
        name = f"ratio {row['ratio']:g}, {row['size']:g} a year"
        print(f"{name:>24}" + "".join(f"{row[m]['median']:>8.0f} ({row[m]['in_26']:>4.0%})" for m in methods))
    for names, rivals in (("rate, prr, eb05 and weekly", METHODS[:4]), ("all other methods", METHODS[:5])):
        _compare(names, rivals, settings)


def _compare(names: str, rivals: tuple[str, ...], settings: list[dict[str, dict[str, float]]]) -> None:
    """Print how much earlier the evidence detects than the best rival, where either detects within the year."""
    pairs = [(row["evidence"]["median"], min(row[method]["median"] for method in rivals)) for row in settings]
    detected = [(own, other) for own, other in pairs if np.isfinite(own) or np.isfinite(other)]
    later = sum(own > other for own, other in detected)
    gains = sorted(1 - own / other if np.isfinite(other) else 1.0 for own, other in detected)
    median = gains[len(gains) // 2] if gains else 0.0
    print(
        f"against the best of {names}: later in {later} of {len(detected)} settings, {median:.0%} earlier in the "
        "median setting"
    )


if __name__ == "__main__":
    main()
