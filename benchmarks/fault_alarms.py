"""Weeks until a fault is known, against what workshops use today: `python -m benchmarks.fault_alarms`.

A group watches models by components for a year, once a week. Models are prone for good (gamma of mean 1), some cells
are large and most are small. All ways of raising an alarm look at the same counts, and each has the threshold with
which 5 % of the years without a fault have any false alarm at all: the race is fair at the same rate of them alone.
Thresholds come from one half of those years, the rates printed are those of the other half. Then one cell of a known
size gets a raised rate from the first week on; an alarm of another cell does not count.

- rate: cumulative rate over the expected one, with at least 3 events
- prr: proportional reporting ratio, with at least 3 events
- eb05: 5 % point of the two-component gamma-Poisson shrinker, its prior fitted to the same week of faultless years
- weekly: chance of so many events or more in this week alone
- poisson: the same of all weeks so far, a stronger rival than is usual
- evidence: the e-process of `ml.domain.faults.sequential_evidence`, which knows the models' variance and gives a
  cell that share of the false alarms that it has of the expected events; `promised` is the same at the threshold that
  its theory gives, without looking at any year
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from ml.domain.arrays import FloatArray
from ml.domain.faults.sequential_evidence import cumulative_evidence
from ml.domain.faults.shrinkage.disproportionality import proportional_reporting_ratio
from ml.domain.faults.shrinkage.fitting import fit_mixture
from ml.domain.faults.shrinkage.priors import Prior
from ml.domain.faults.shrinkage.scores import posterior_quantile
from ml.domain.faults.shrinkage.squashing import squash

MODELS, COMPONENTS, WEEKS = 20, 10, 52
CELLS, ALPHA = MODELS * COMPONENTS, 0.05
RATIOS, SIZES = (1.5, 2.0, 3.0), (10.0, 30.0, 80.0, 200.0)
WAYS = ("rate", "prr", "eb05", "weekly", "poisson", "evidence")


@dataclass(frozen=True)
class Group:
    """Yearly events to be expected in each cell, and how much models differ for good."""

    yearly: FloatArray
    between_model_variance: float

    def counts(self, rng: np.random.Generator, years: int, *, cell: int = -1, ratio: float = 1.0) -> FloatArray:
        """Counts so far, shape (years, weeks, cells); one cell may have a raised rate."""
        own = np.ones((years, CELLS))
        if self.between_model_variance > 0:
            own = rng.gamma(1 / self.between_model_variance, self.between_model_variance, (years, CELLS))
        if cell >= 0:
            own[:, cell] *= ratio
        weekly = rng.poisson((self.yearly * own / WEEKS)[:, None, :], (years, WEEKS, CELLS))
        return weekly.cumsum(axis=1).astype(np.float64)

    @property
    def expected(self) -> FloatArray:
        """Events to be expected so far, shape (weeks, cells)."""
        return np.asarray(np.arange(1, WEEKS + 1)[:, None] / WEEKS * self.yearly[None, :])


def group(between_model_variance: float, *, seed: int = 0) -> Group:
    """Cells of very different sizes: 1 to 200 events a year."""
    rng = np.random.default_rng(seed)
    yearly = np.exp(rng.normal(2.0, 1.3, CELLS)).clip(0.5, 200)
    return Group(yearly, between_model_variance)


def statistics(of: Group, count: FloatArray, priors: list[Prior], cells: slice) -> dict[str, FloatArray]:
    """What each way looks at, shape (years, weeks, cells asked about); -inf where it may not raise an alarm yet."""
    due = np.broadcast_to(of.expected, count.shape)[:, :, cells]
    n = count[:, :, cells]
    table = count.reshape(*count.shape[:2], MODELS, COMPONENTS)
    by_model = np.repeat(table.sum(axis=3), COMPONENTS, axis=2)[:, :, cells]
    by_component = np.tile(table.sum(axis=2), (1, 1, MODELS))[:, :, cells]
    everything = np.broadcast_to(count.sum(axis=2)[:, :, None], n.shape)
    enough = n >= 3
    ratio = proportional_reporting_ratio(
        np.where(enough, n, 1).ravel().astype(np.int64),
        np.where(enough, by_model, 2).ravel().astype(np.int64),
        column_total=np.where(enough, by_component, 2).ravel().astype(np.int64),
        total=np.where(enough, everything, 9).ravel().astype(np.int64),
    )
    prr = np.nan_to_num(np.asarray(ratio.value).reshape(n.shape), nan=-np.inf, posinf=-np.inf)
    eb05 = np.empty(n.shape)
    for w, prior in enumerate(priors):
        flat = posterior_quantile(prior, n[:, w].ravel().astype(np.int64), due[:, w].ravel(), probability=0.05)
        eb05[:, w] = np.asarray(flat).reshape(n[:, w].shape)
    share = np.log(of.yearly / of.yearly.sum())[cells]
    evidence = cumulative_evidence(n.ravel(), due.ravel(), of.between_model_variance).log_e.reshape(n.shape) + share
    week = np.diff(n, axis=1, prepend=0)
    return {
        "rate": np.where(enough, n / due, -np.inf),
        "prr": np.where(enough, prr, -np.inf),
        "eb05": eb05,
        "weekly": -poisson.logsf(week - 1, due[:, :1]),
        "poisson": -poisson.logsf(n - 1, due),
        "evidence": evidence,
    }


def race(between_model_variance: float, *, years: int, raised: int, seed: int = 1) -> dict[str, object]:
    """One group: thresholds, the false alarms they raise, and the weeks to detection of each way in each setting."""
    rng = np.random.default_rng(seed)
    of = group(between_model_variance)
    count = of.counts(rng, 2 * years)
    priors = []
    for w in range(WEEKS):
        n, due = count[:years, w].ravel().astype(np.int64), np.tile(of.expected[w], years)
        points = squash(n, due)
        priors.append(fit_mixture(points.count, points.expected, weight=points.weight).prior)
    worst: dict[str, list[FloatArray]] = {way: [] for way in WAYS}
    for part in np.array_split(count, max(1, 2 * years // 50)):
        for way, found in statistics(of, part, priors, slice(None)).items():
            worst[way].append(found.max(axis=(1, 2)))
    highest = {way: np.concatenate(parts) for way, parts in worst.items()}
    bars = {way: float(np.quantile(found[:years], 1 - ALPHA, method="higher")) for way, found in highest.items()}
    bars["promised"] = float(np.log(1 / ALPHA))
    false = {way: float((highest[way][years:] > bars[way]).mean()) for way in WAYS}
    false["promised"] = float((highest["evidence"] > bars["promised"]).mean())
    settings = [
        _setting(of, rng, priors, bars, ratio=ratio, size=size, years=raised) for ratio in RATIOS for size in SIZES
    ]
    return {
        "between_model_variance": between_model_variance,
        "bars": bars,
        "false_alarm_rate": false,
        "settings": settings,
    }


def _setting(
    of: Group, rng: np.random.Generator, priors: list[Prior], bars: Mapping[str, float], *, ratio: float, size: float,
    years: int,
) -> dict[str, object]:  # fmt: skip
    cell = int(np.argmin(np.abs(of.yearly - size)))
    yearly = of.yearly.copy()
    yearly[cell] = size
    sized = Group(yearly, of.between_model_variance)
    found = statistics(sized, sized.counts(rng, years, cell=cell, ratio=ratio), priors, slice(cell, cell + 1))
    row: dict[str, object] = {"ratio": ratio, "size": size}
    for way, alarm_threshold in bars.items():
        raised = found["evidence" if way == "promised" else way][:, :, 0] > alarm_threshold
        week = np.where(raised.any(axis=1), raised.argmax(axis=1) + 1.0, np.inf)
        row[way] = {"median": float(np.quantile(week, 0.5, method="lower")), "in_26": float((week <= 26).mean())}
    return row


def main() -> None:
    """Race, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_alarms", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument(
        "--years", type=int, default=400, help="years without a fault: so many to tune, so many to test"
    )
    parser.add_argument("--raised", type=int, default=400, help="years with a raised rate, in each setting")
    parser.add_argument(
        "--between_model_variance", type=float, nargs="+", default=[0.0, 0.04], help="variance between cells for good"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    found = [race(p, years=asked.years, raised=asked.raised) for p in asked.between_model_variance]
    if asked.json:
        print(json.dumps(found))
        return
    for one in found:
        _print(one)


def _print(one: dict[str, object]) -> None:
    ways = (*WAYS, "promised")
    false, settings = one["false_alarm_rate"], one["settings"]
    assert isinstance(false, dict) and isinstance(settings, list)
    print(f"\ncells differ for good with a variance of {one['between_model_variance']:g}; {CELLS} cells, {WEEKS} weeks")
    print("median week of the alarm (share known within 26 weeks); inf: not within the year")
    print(f"{'':>24}" + "".join(f"{way:>15}" for way in ways))
    print(f"{'years with false alarms':>24}" + "".join(f"{false[way]:>15.1%}" for way in ways))
    for row in settings:
        name = f"ratio {row['ratio']:g}, {row['size']:g} a year"
        shown = "".join(f"{row[way]['median']:>8.0f} ({row[way]['in_26']:>4.0%})" for way in ways)
        print(f"{name:>24}{shown}")
    for named, of in (("rate, prr, eb05 and weekly", WAYS[:4]), ("all others", WAYS[:5])):
        _against(named, of, settings)


def _against(named: str, rivals: tuple[str, ...], settings: list[dict[str, dict[str, float]]]) -> None:
    """Say how much earlier the evidence is than the best of its rivals, where either knows within the year."""
    pairs = [(row["evidence"]["median"], min(row[way]["median"] for way in rivals)) for row in settings]
    seen = [(own, other) for own, other in pairs if np.isfinite(own) or np.isfinite(other)]
    later = sum(own > other for own, other in seen)
    gains = sorted(1 - own / other if np.isfinite(other) else 1.0 for own, other in seen)
    middle = gains[len(gains) // 2] if gains else 0.0
    print(
        f"against the best of {named}: later in {later} of {len(seen)} settings, {middle:.0%} earlier in the median one"
    )


if __name__ == "__main__":
    main()
