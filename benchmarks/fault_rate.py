"""Time of EBGM with both limits for millions of cells, against a loop over pairs: `python -m benchmarks.fault_rate`.

The loop uses SciPy for one pair after another: digamma for EBGM, and for each limit `brentq` on the distribution
function of the mixture, between the quantiles of its two components. All three numbers must agree to nine digits, else
the benchmark stops. Then squashing, fitting and scoring by number of cells, each size in its own process, so that peak
memory is its own too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gammainc, gammaincinv, gammaln

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import Numbers
from ml.domain.faults.shrinkage.fitting import fit_mixture
from ml.domain.faults.shrinkage.priors import Prior, two_gammas
from ml.domain.faults.shrinkage.scores import Scores, scores
from ml.domain.faults.shrinkage.squashing import squash

MIN_SPEEDUP = 20.0
# Time per cell may grow by half from the smallest size: caches and allocation, not a non-linear algorithm.
MAX_TIME_GROWTH = 1.5
PRIOR = two_gammas(3.25, 0.4, 2.03, 1.91, 0.065)
MEMORY_UNIT = 1024 if sys.platform != "darwin" else 1


@dataclass(frozen=True)
class Run:
    """Time and memory at one number of cells.

    Attributes
    ----------
    squash_seconds, fit_seconds, score_seconds : float
        Wall time of each step (s).
    peak_bytes, cells_bytes : int
        Peak resident memory of the process with its libraries, and size of counts, expected counts and the three
        results.
    """

    cells: int
    squash_seconds: float
    fit_seconds: float
    score_seconds: float
    peak_bytes: int
    cells_bytes: int


def simulated(n_cells: int, *, seed: int = 0) -> tuple[Numbers, FloatArray]:
    """Return counts and expected counts of cells whose ratios follow the prior."""
    rng = np.random.default_rng(seed)
    first = rng.random(n_cells) < PRIOR.share[0]
    ratio = rng.gamma(np.where(first, PRIOR.alpha[0], PRIOR.alpha[1]))
    ratio /= np.where(first, PRIOR.beta[0], PRIOR.beta[1])
    expected = np.exp(rng.normal(-0.5, 1.5, n_cells))
    return rng.poisson(ratio * expected), expected


def plain_scores(prior: Prior, count: Numbers, expected: FloatArray) -> Scores:
    """Return the scores, computed for one pair after another."""
    rows = [_plain(prior, int(n), float(e)) for n, e in zip(count, expected, strict=True)]
    return Scores(*(np.array(column) for column in zip(*rows, strict=True)))


def _plain(prior: Prior, n: int, e: float) -> tuple[float, float, float]:
    (a1, a2), (b1, b2) = prior.alpha, prior.beta
    f1, f2 = (
        gammaln(a + n) - gammaln(a) - a * math.log1p(e / b) - n * math.log(b + e) for a, b in ((a1, b1), (a2, b2))
    )
    q = 1 / (1 + prior.share[1] / prior.share[0] * math.exp(f2 - f1))
    ebgm = math.exp(q * (digamma(a1 + n) - math.log(b1 + e)) + (1 - q) * (digamma(a2 + n) - math.log(b2 + e)))

    def quantile(p: float) -> float:
        ends = gammaincinv(a1 + n, p) / (b1 + e), gammaincinv(a2 + n, p) / (b2 + e)

        def error(x: float) -> float:
            return float(q * gammainc(a1 + n, (b1 + e) * x) + (1 - q) * gammainc(a2 + n, (b2 + e) * x) - p)

        low, high = min(ends) * (1 - 1e-9), max(ends) * (1 + 1e-9)
        return float(brentq(error, low, high, xtol=1e-14, rtol=1e-13))

    return ebgm, quantile(0.05), quantile(0.95)


def compare(n_pairs: int, *, rounds: int) -> dict[str, float]:
    """Return the microseconds per pair of loop and vectorised scores, after checking that they agree."""
    count, expected = simulated(n_pairs)
    began = time.perf_counter()
    plain = plain_scores(PRIOR, count, expected)
    loop = time.perf_counter() - began
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        vectorised = scores(PRIOR, count, expected)
        seconds.append(time.perf_counter() - began)
    for name in ("ebgm", "lower", "upper"):
        one, other = getattr(vectorised, name), getattr(plain, name)
        if (worst := float(np.abs(one / other - 1).max())) > 1e-9:
            raise SystemExit(f"loop and vectorised scores do not agree: {name} differs by {worst:.2g} (relative)")
    return {"loop_us": loop / n_pairs * 1e6, "vectorised_us": min(seconds) / n_pairs * 1e6}


def measure(n_cells: int) -> Run:
    """Return time and memory of squashing, fitting and scoring cells in this process."""
    count, expected = simulated(n_cells)
    marks = [time.perf_counter()]
    points = squash(count, expected)
    marks.append(time.perf_counter())
    prior = fit_mixture(points.count, points.expected, weight=points.weight).prior
    marks.append(time.perf_counter())
    result = scores(prior, count, expected)
    marks.append(time.perf_counter())
    arrays = (count, expected, result.ebgm, result.lower, result.upper)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MEMORY_UNIT
    squashing, fitting, scoring = (later - sooner for sooner, later in pairwise(marks))
    return Run(n_cells, squashing, fitting, scoring, peak, sum(array.nbytes for array in arrays))


def _in_process(n_cells: int) -> Run:
    command = [sys.executable, "-m", "benchmarks.fault_rate", "--measure", str(n_cells)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{n_cells:,} cells: ended with code {done.returncode} (-9: out of memory)")
    return Run(**json.loads(done.stdout))


def main() -> None:
    """Compare loop and vectorised scores, measure by size, and print the figures with their limits."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_rate", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--pairs", type=int, default=20_000, help="number of pairs in the comparison with the loop")
    parser.add_argument(
        "--rounds", type=int, default=5, help="repetitions of the vectorised scores; the fastest counts"
    )
    parser.add_argument("--cells", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--measure", type=int, metavar="CELLS", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(asdict(measure(options.measure))))
        return
    speed = compare(options.pairs, rounds=options.rounds)
    ratio = speed["loop_us"] / speed["vectorised_us"]
    runs = [_in_process(cells) for cells in options.cells]
    per_cell = [run.score_seconds / run.cells * 1e6 for run in runs]
    linear = max(per_cell) / per_cell[0]
    if options.json:
        figures = {
            **speed,
            "ratio": ratio,
            "min_ratio": MIN_SPEEDUP,
            "linear": linear,
            "sizes": [asdict(run) for run in runs],
        }
        print(json.dumps(figures))
        return
    print(f"{options.pairs:,} pairs, equal to nine digits; load average {os.getloadavg()[0]:.1f}\n")
    print(f"vectorised {speed['vectorised_us']:>10.2f} us per pair\nplain loop {speed['loop_us']:>10.2f} us per pair")
    status = "kept" if ratio >= MIN_SPEEDUP else "NOT KEPT"
    print(f"\nplain / vectorised {ratio:.0f}, at least {MIN_SPEEDUP:g}   {status}\n")
    print(f"{'cells':>12}{'squash s':>10}{'fit s':>8}{'score s':>9}{'us/cell':>9}{'peak MiB':>10}{'cells MiB':>13}")
    for run, each in zip(runs, per_cell, strict=True):
        steps = f"{run.squash_seconds:>10.2f}{run.fit_seconds:>8.2f}{run.score_seconds:>9.2f}{each:>9.2f}"
        print(f"{run.cells:>12,}{steps}{run.peak_bytes / 2**20:>10.0f}{run.cells_bytes / 2**20:>13.0f}")
    status = "kept" if linear <= MAX_TIME_GROWTH else "NOT KEPT"
    print(f"\nscore time per cell, slowest size / smallest size {linear:.2f}, at most {MAX_TIME_GROWTH:g}   {status}")


if __name__ == "__main__":
    main()
