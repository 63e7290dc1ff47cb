"""One of six cars, chosen by people never seen before: trees on a logit against the logit alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.peers.choice_trees import ChoiceTrees
from benchmarks.peers.conditional_logit import ConditionalLogit
from ml.metrics.ranked_lists import mean_with_interval

NUMBERS = ("price", "range", "acc", "speed", "pollution", "size", "space", "cost", "station")
PERSON = ("college", "hsg2", "coml5")
N = 6


def table(data_folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Alternatives: numbers, then body and fuel as indicators; the attributes of each person; which was chosen."""
    wide = pl.read_parquet(data_folder / "vehicle_choice" / "car.parquet")
    numbers = np.stack([wide.select(f"{n}{i}" for n in NUMBERS).to_numpy() for i in range(1, N + 1)], axis=1)
    kinds = []
    names = list(NUMBERS)
    for what in ("type", "fuel"):
        text = wide.select(pl.col(f"{what}{i}").cast(pl.String) for i in range(1, N + 1)).to_numpy()
        for value in sorted(set(text.ravel()))[1:]:
            kinds.append((text == value).astype(float))
            names.append(f"{what}={value}")
    x = np.concatenate([numbers, np.stack(kinds, axis=2)], axis=2)
    chosen = wide["choice"].cast(pl.String).str.extract(r"(\d+)$").cast(pl.Int64).to_numpy() - 1
    return x, wide.select(PERSON).to_numpy(), chosen, names


@pytest.mark.realdata
def test_trees_on_the_logit_beat_the_logit(data_folder: Path) -> None:
    x, person, chosen, names = table(data_folder)
    people = len(chosen)
    # The peer reads the same attributes, and every attribute times each of the person's.
    crossed = np.concatenate([x, *(x * person[:, k, None, None] for k in range(person.shape[1]))], axis=2)
    beside = x[:, :, : len(NUMBERS)] - x[:, :, : len(NUMBERS)].mean(axis=1, keepdims=True)  # against the other five
    both = np.concatenate([x, np.repeat(person[:, None, :], N, axis=1), beside], axis=2)
    taken = np.zeros((people, N))
    taken[np.arange(people), chosen] = 1
    fold = np.random.default_rng(0).permutation(people) % 5
    loss, hit = (
        {"logit": np.zeros(people), "trees": np.zeros(people)},
        {"logit": np.zeros(people), "trees": np.zeros(people)},
    )
    for k in range(5):
        learn, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        sizes, asked = np.full(len(learn), N), np.full(len(test), N)

        def rows(a: np.ndarray, some: np.ndarray) -> np.ndarray:
            return a[some].reshape(len(some) * N, -1)

        peer = ConditionalLogit().fit(rows(crossed, learn), taken[learn].ravel(), sizes)
        ours = ChoiceTrees(num_threads=2).fit(rows(crossed, learn), rows(both, learn), taken[learn].ravel(), sizes)
        p = {
            "logit": peer.probabilities(rows(crossed, test), asked).reshape(-1, N),
            "trees": ours.probabilities(rows(crossed, test), rows(both, test), asked).reshape(-1, N),
        }
        for name, found in p.items():
            loss[name][test] = -np.log(found[np.arange(len(test)), chosen[test]])
            hit[name][test] = found.argmax(axis=1) == chosen[test]
    gain = mean_with_interval(loss["logit"] - loss["trees"], n=400)
    hits = mean_with_interval(hit["trees"] - hit["logit"], n=400)
    told = {n: (round(float(loss[n].mean()), 4), round(float(hit[n].mean()), 4)) for n in loss}
    print(f"log-loss and top-1 hit rate {told}, guessing {np.log(N):.4f} and {1 / N:.4f}; gain {gain}, {hits}")
    assert "price" in names
    assert loss["logit"].mean() < np.log(N)
    assert gain.low > 0
    assert hits.value > 0
