"""False alarms of `chehang monitor` in stationary months, and months until a shift is detected.

Features are simulated: 24 months of reference, then 24 stationary months, each tested against the reference as the
command tests it. The number of false alarms a month, over all series of a task together, must stay below 1; the
configuration aims at 0.1. The shifted features show how soon a shift of 0.2 and 0.5 standard deviations is detected.

    python -m benchmarks.monitoring            # about 15 minutes on one core
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import polars as pl

from training.monitoring.shifts import FeatureReference

SERIES, REFERENCE_MONTHS, TEST_MONTHS = 40, 24, 24
BUDGET, FLOOR = 0.1, 0.1
WINDOWS = (1, 6)  # the last month, and six months together: each has half of the level
LEVEL = BUDGET / 2 / SERIES  # half of the false alarms are for outcomes
Effects = Callable[[np.random.Generator, int], np.ndarray]


def none(rng: np.random.Generator, months: int) -> np.ndarray:
    """Return no month effects."""
    return np.zeros(months)


def independent(rng: np.random.Generator, months: int) -> np.ndarray:
    """Return independent month effects with a standard deviation of 0.15."""
    return rng.normal(0, 0.15, months)


def autocorrelated(rng: np.random.Generator, months: int) -> np.ndarray:
    """Return month effects with a standard deviation of 0.15 and a serial correlation of 0.6."""
    effects = np.zeros(months)
    level = rng.normal(0, 0.15)
    for month in range(months):
        level = 0.6 * level + rng.normal(0, 0.15 * np.sqrt(1 - 0.36))
        effects[month] = level
    return effects


def seasonal(rng: np.random.Generator, months: int) -> np.ndarray:
    """Return a season with an amplitude of 0.2 standard deviations."""
    return 0.2 * np.sin(2 * np.pi * (np.arange(months) / 12 + rng.random()))


SCENARIOS: dict[str, tuple[Effects, int]] = {
    "independent rows, 500 a month": (none, 500),
    "independent rows, 50 a month": (none, 50),
    "months differ (0.15 sd), 500 a month": (independent, 500),
    "serial correlation 0.6 (0.15 sd), 500 a month": (autocorrelated, 500),
    "season (amplitude 0.2 sd), 500 a month": (seasonal, 500),
    "season (amplitude 0.2 sd), 50 a month": (seasonal, 50),
}
KINDS = ("normal", "skewed", "counts", "flag", "categories", "many missing")


def values(kind: str, latent: np.ndarray, rng: np.random.Generator) -> pl.Series:
    """Return a feature of a kind that rises with a latent standard normal variable."""
    if kind == "skewed":
        return pl.Series(np.exp(8 + latent))
    if kind == "counts":
        return pl.Series(rng.poisson(np.exp(-1.2 + 0.5 * latent)))
    if kind == "flag":
        return pl.Series(latent > 1)
    if kind == "categories":
        return pl.Series(np.array(list("abcdefgh"))[np.digitize(latent, [-1.5, -1, -0.5, 0, 0.5, 1, 2])])
    if kind == "many missing":
        return pl.Series([None if m else float(v) for v, m in zip(latent, rng.random(len(latent)) < 0.3, strict=True)])
    return pl.Series(latent)


def alarms(effects: Effects, rows: int, *, seed: int, shift: float = 0.0, kinds: tuple[str, ...] = KINDS) -> np.ndarray:
    """Return whether each series raised an alarm in each test month, shape (SERIES, TEST_MONTHS)."""
    rng = np.random.default_rng(seed)
    months = np.repeat(np.arange(REFERENCE_MONTHS), rows)
    result = np.zeros((SERIES, TEST_MONTHS), dtype=bool)
    for series in range(SERIES):
        kind, effect = kinds[series % len(kinds)], effects(rng, REFERENCE_MONTHS + TEST_MONTHS)
        reference = FeatureReference(
            values(kind, effect[months] + rng.normal(size=len(months)), rng), months, floor=FLOOR
        )
        later: list[pl.Series] = []
        for month in range(TEST_MONTHS):
            latent = effect[REFERENCE_MONTHS + month] + shift + rng.normal(size=rows)
            later.append(values(kind, latent, rng))
            for window in WINDOWS:
                part = later[-window:]
                if window == 1 or len(part) > 1:
                    compared = reference.compare(pl.concat(part), months=len(part))
                    result[series, month] |= compared.is_alarm(LEVEL / len(WINDOWS))
    return result


def main() -> None:
    """Print false alarms a month by scenario, and the months until shifts are detected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    print(f"false alarms a month over {SERIES} series together, {TEST_MONTHS} months, {seeds} seeds (aim: {BUDGET})")
    for name, (effects, rows) in SCENARIOS.items():
        means = [alarms(effects, rows, seed=seed).sum() / TEST_MONTHS for seed in range(seeds)]
        print(f"  {name}: {np.mean(means):.3f} (by seed {', '.join(f'{m:.2f}' for m in means)})", flush=True)
    print("months until a shift of a normal feature is detected (median; share detected in the first month)")
    for rows in (50, 200, 1_000):
        for shift in (0.2, 0.5):
            first = []
            for seed in range(2):
                alarm = alarms(none, rows, seed=100 + seed, shift=shift, kinds=("normal",))
                first += [int(np.argmax(line)) + 1 if line.any() else np.inf for line in alarm]
            share = float(np.mean(np.array(first) == 1))
            print(f"  {rows} rows a month, {shift} sd: {np.median(first):.0f} ({share:.0%})", flush=True)


if __name__ == "__main__":
    main()
