"""A credit model fitted on simulated applications, and random requests for loan offers, for tests of whole answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel

from features.tables import APPLICATIONS, ENERGY_TYPES
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.credit_risk.params import CreditParams
from ml.endpoint import Champions
from ml.loans.applicant_risk import DERIVED
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.endpoints import FILES
from ml.loans.offers_endpoint import LoanOffersAnswer, answer, request
from ml.signature import feature_columns, infer_signature
from tests.conftest import ROOT
from training.simulator import Size
from training.simulator.applicants import build_applicants
from training.simulator.applications import applications_frame, build_applications
from training.simulator.draws import NEVER
from training.simulator.lending import build_loans
from training.simulator.world import build_world

TERMS = (12, 24, 36, 48, 60)
TERMS_OFF_THE_CATALOGUE = (6, 9, 18, 30, 42, 54, 72)


@dataclass(frozen=True)
class Lender:
    """The shipped products and rules, a fitted credit model, and later applications."""

    lending: Lending
    champions: Champions
    applications: pl.DataFrame

    @cached_property
    def request_model(self) -> type[BaseModel]:
        """Model of a request for offers."""
        return request(self.champions)

    def ask(self, body: dict[str, Any]) -> LoanOffersAnswer:
        """Return the answer to a request, read as the service reads it: from JSON."""
        return answer(self.lending, self.champions, self.request_model.model_validate_json(json.dumps(body)))


def build_lender() -> Lender:
    """Return a lender whose credit model is fitted on two years of simulated applications: about a second."""
    world = build_world(Size(stores=10, customers=8_000, months=24))
    rng, applicants = world.size.stream("lending"), build_applicants(world.size.stream("applicants"), world)
    applications = build_applications(rng, applicants)
    loans = build_loans(rng, applicants, applications, window=world.window)
    rows = applications_frame(
        rng, world, applicants, applications, decision=loans.decision, decided_at=loans.decided_at
    )
    default = (loans.default_at < NEVER).astype(np.float64)
    numeric, categorical = feature_columns(APPLICATIONS, rows.columns, exclude=["annual_rate"])
    signature = infer_signature(rows, APPLICATIONS, numeric=numeric, categorical=categorical, extra=[])
    trees = {"n_estimators": 60, "learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": 60, "num_threads": 1}
    params = CreditParams.model_validate({"boosted_trees": trees, "target_bad_rate": 0.012})
    half = len(rows) // 2
    estimator = CreditRiskEstimator(params=params, signature=signature).fit(
        rows[:half], default[:half], calibrate=(rows[half:], default[half:])
    )
    lending = load_lending(*(ROOT / "configs" / name for name in FILES))
    applications_since = rows[half:].filter(pl.col("decision") == "approve")  # by the simulated lender of the past
    champions: Any = {"credit_risk": SimpleNamespace(estimator=estimator)}
    return Lender(lending, champions, applications_since)


def random_requests(lender: Lender, count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield requests by simulated applicants with random loans; equal seeds give equal requests.

    One in six asks for a term that no product has, one in ten for a very cheap or expensive vehicle; for a third the
    dealer has up to three other vehicles in stock. Some trade in a car, finance extras or have a co-borrower.
    """
    rng = np.random.default_rng(seed)
    signature = lender.champions["credit_risk"].estimator.signature
    details = [f for f in signature.fields if f.feature and f.name not in DERIVED]
    rows = lender.applications.sample(count, seed=seed).to_dicts()
    for row in rows:
        share = float(rng.choice([rng.uniform(0.05, 0.95), 1 - row["loan_amount"] / row["vehicle_price"]]))
        prices = [row["vehicle_price"] / 100, rng.integers(3_000, 60_000), rng.integers(60_000, 900_000)]
        price = float(rng.choice(prices, p=[0.9, 0.04, 0.06]))
        car = {name: row[name] for name in ("condition", "energy_type", "use")}
        deal = _deal(rng, price)
        borrower = {f.name: _in_yuan(f.unit, row[f.name]) for f in details if row[f.name] is not None}
        yield {
            "on": str(rng.choice(["2026-09-01", "2026-03-31", "2026-12-20"])),
            "applicant": {
                "age": int(rng.integers(19, 63)),
                "monthly_income": float(row["monthly_income"] or 900_000) / 100,
                "monthly_debt_payment": float(row["monthly_debt_payment"] or 0) / 100,
            },
            "vehicle": {"vehicle_id": "V0", "price": price, **car},
            "down_payment": float(round(price * share)),
            "term_months": int(rng.choice(TERMS if rng.random() < 5 / 6 else TERMS_OFF_THE_CATALOGUE)),
            "borrower": {**borrower, "co_borrower": borrower["co_borrower"] or "co_borrower" in deal},
            "stock": _stock(rng, price) if rng.random() < 1 / 3 else [],
            "offers": int(rng.integers(1, 7)),
            "lender_view": True,
            "explain": False,
            **deal,
        }


def _deal(rng: np.random.Generator, price: float) -> dict[str, Any]:
    deal: dict[str, Any] = {}
    if rng.random() < 1 / 6:
        deal |= {"trade_in_value": float(round(price * rng.uniform(0, 0.04))), "trade_in_payoff": 500.0}
    if rng.random() < 1 / 6:
        deal["extras"] = [
            {"name": "商业险", "kind": "insurance", "amount": 4_800.0, "financed": bool(rng.random() < 0.5)}
        ]
    if rng.random() < 1 / 6:
        deal["co_borrower"] = {"monthly_income": 6_000.0, "monthly_debt_payment": 800.0}
    return deal


def _in_yuan(unit: str | None, value: Any) -> Any:
    return value / 100 if unit == "fen" else value


def _stock(rng: np.random.Generator, price: float) -> list[dict[str, Any]]:
    return [
        {
            "vehicle_id": f"S{i}",
            "price": float(round(price * rng.uniform(0.3, 1.1))) + 1,
            "condition": str(rng.choice(["new", "used"])),
            "energy_type": str(rng.choice(ENERGY_TYPES)),
        }
        for i in range(int(rng.integers(1, 4)))
    ]
