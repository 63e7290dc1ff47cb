"""CPU time of whole requests for loan offers, with the credit model: `python -m benchmarks.loan_requests`.

The shipped products are offered by 20 lenders, 600 products in all. Two figures on one core: the example of
`/v1/loans/offers`, and the slowest of random requests, most of which search for changes, with up to 50 vehicles in
stock.
The floor of both is the time in which the model alone scores the same number of loans. The champions of the home are
used; without one, promote versions with `chehang promote`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.offers import cpu_seconds
from ml import champions
from ml.loans.catalogue.files import Lending
from ml.loans.endpoints import ENDPOINTS
from ml.model import Model

N_LENDERS, N_PRODUCTS = 20, 600
REQUEST_LIMIT_SECONDS, SEARCH_LIMIT_SECONDS = 0.150, 0.500
OFFERS = ENDPOINTS[0]
PRICES = (60_000, 150_000, 300_000, 900_000, 2_500_000)


def many_products(lending: Lending) -> Lending:
    """Return the lending files with copies of the lenders and of the products for private vehicles."""
    catalogue, rng = lending.catalogue, np.random.default_rng(0)
    private = {"private_combustion", "private_new_energy"}
    originals = [(k, p) for k, p in catalogue.products.items() if private & set(p.eligibility.vehicle_classes)]
    keys = list(catalogue.lenders)
    lenders = {f"{keys[i % len(keys)]}_{i}": catalogue.lenders[keys[i % len(keys)]] for i in range(N_LENDERS)}
    products = {}
    for i in range(N_PRODUCTS):
        key, product = originals[i % len(originals)]
        copies = [name for name in lenders if name.rsplit("_", 1)[0] == product.lender]
        minimum = max(product.minimum_down_payment, round(float(rng.uniform(0.1, 0.3)), 4))
        changes = {"lender": copies[i // len(originals) % len(copies)], "minimum_down_payment": minimum}
        products[f"{key}_{i}"] = product.model_copy(update=changes)
    return replace(lending, catalogue=catalogue.model_copy(update={"lenders": lenders, "products": products}))


def random_body(example: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return a request that often fails, for a vehicle of any price, often with alternatives in stock."""
    price = int(rng.choice(PRICES))
    stock = [
        {"vehicle_id": f"S{i}", "price": float(int(price * (0.99 - 0.015 * i))), "condition": "new"}
        | {"energy_type": str(rng.choice(["combustion", "battery_electric"]))}
        for i in range(int(rng.choice([0, 0, 10, 50])))
    ]
    risk = {
        "bureau_score": int(rng.choice([350, 420, 500, 560])),
        "bureau_delinquencies_24m": int(rng.choice([0, 3, 8])),
    }
    borrower = {name: risk.get(name, value) for name, value in example["borrower"].items()}
    income = float(rng.choice([1_500, 3_000, 6_000, 15_000, 50_000]))
    return {
        **example,
        "borrower": borrower,
        "vehicle": {"price": float(price), "condition": "new", "energy_type": "battery_electric"},
        "down_payment": float(int(price * rng.choice([0, 0.05, 0.1, 0.3]))),
        "applicant": {"age": int(rng.choice([22, 35, 58])), "monthly_income": income},
        "stock": stock,
    }


def _floor(model: Model, count: int) -> float:
    """Return the CPU time in which the learner scores so many loans, encoded beforehand."""
    estimator: Any = model.estimator
    columns = estimator.encoder_.feature_names_out_
    matrix = np.zeros((count, len(columns)))
    return cpu_seconds(lambda: estimator.probability_of_default(matrix), 5)


def main() -> None:
    """Print CPU time, floor and limit of a whole request and of the slowest search for changes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loan_requests", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--requests", type=int, default=200, help="random requests, of which the slowest is reported")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the example; the fastest is reported")
    options = parser.parse_args()
    loaded: Any = {task: champions.load(champions.version_or_champion(task)) for task in OFFERS.required_tasks}
    lending = many_products(OFFERS.rules(Path("configs")))
    request_type, example = OFFERS.request(loaded), dict(OFFERS.example(loaded))

    def ask(body: Mapping[str, Any]) -> Any:
        request = request_type.model_validate_json(json.dumps({**body, "explain": False}))
        return OFFERS.respond(lending, loaded, [request], False)[0]

    candidates = ask(example).n_candidates
    whole = cpu_seconds(lambda: ask(example), options.rounds)
    rng = np.random.default_rng(0)
    bodies = [random_body(example, rng) for _ in range(options.requests)]
    searches = sorted((cpu_seconds(lambda body=body: ask(body), 2) for body in bodies), reverse=True)  # type: ignore[misc]
    credit = loaded["credit_risk"]
    print(f"{N_LENDERS} lenders, {N_PRODUCTS} products; {candidates:,} candidates in the example\n")
    print(f"{'':34}{'CPU, ms':>10}{'limit, ms':>11}")
    print(f"{'whole request':34}{whole * 1e3:>10.0f}{REQUEST_LIMIT_SECONDS * 1e3:>11.0f}")
    print(f"{'slowest search for changes':34}{searches[0] * 1e3:>10.0f}{SEARCH_LIMIT_SECONDS * 1e3:>11.0f}")
    print(f"{'median of the requests':34}{np.median(searches) * 1e3:>10.0f}")
    for count in (100, 10_000):
        print(f"{f'model alone, {count:,} loans':34}{_floor(credit, count) * 1e3:>10.1f}")


if __name__ == "__main__":
    main()
