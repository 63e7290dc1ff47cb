"""Choices among six vehicles by new people: trees on top of a logit against the logit alone."""

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
    """Return attributes of alternatives (numbers, then body and fuel indicators) and persons, and the choices."""
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
    # The logit reads the attributes and their products with the attributes of the person.
    interactions = np.concatenate([x, *(x * person[:, k, None, None] for k in range(person.shape[1]))], axis=2)
    relative = x[:, :, : len(NUMBERS)] - x[:, :, : len(NUMBERS)].mean(axis=1, keepdims=True)  # to the choice set
    tree_columns = np.concatenate([x, np.repeat(person[:, None, :], N, axis=1), relative], axis=2)
    labels = np.zeros((people, N))
    labels[np.arange(people), chosen] = 1
    fold = np.random.default_rng(0).permutation(people) % 5
    loss, hits = (
        {"logit": np.zeros(people), "trees": np.zeros(people)},
        {"logit": np.zeros(people), "trees": np.zeros(people)},
    )
    for k in range(5):
        train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        sizes, test_sizes = np.full(len(train), N), np.full(len(test), N)

        def rows(a: np.ndarray, some: np.ndarray) -> np.ndarray:
            return a[some].reshape(len(some) * N, -1)

        logit = ConditionalLogit().fit(rows(interactions, train), labels[train].ravel(), sizes)
        trees = ChoiceTrees(num_threads=2).fit(
            rows(interactions, train), rows(tree_columns, train), labels[train].ravel(), sizes
        )
        p = {
            "logit": logit.probabilities(rows(interactions, test), test_sizes).reshape(-1, N),
            "trees": trees.probabilities(rows(interactions, test), rows(tree_columns, test), test_sizes).reshape(-1, N),
        }
        for name, probability in p.items():
            loss[name][test] = -np.log(probability[np.arange(len(test)), chosen[test]])
            hits[name][test] = probability.argmax(axis=1) == chosen[test]
    gain = mean_with_interval(loss["logit"] - loss["trees"], n=400)
    hit_gain = mean_with_interval(hits["trees"] - hits["logit"], n=400)
    figures = {n: (round(float(loss[n].mean()), 4), round(float(hits[n].mean()), 4)) for n in loss}
    print(f"log-loss and top-1 hit rate {figures}, guessing {np.log(N):.4f} and {1 / N:.4f}; gain {gain}, {hit_gain}")
    assert "price" in names
    assert loss["logit"].mean() < np.log(N)
    assert gain.low > 0
    assert hit_gain.value > 0
