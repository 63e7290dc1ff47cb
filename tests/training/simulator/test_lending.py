"""Loans: log-odds of default, past decisions, and maturity of outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.simulator.small_group import (
    START,
    WINDOW,
    make_applicants,
    make_applications,
    make_demographics,
)
from training.simulator.draws import NEVER
from training.simulator.lending import (
    APPROVE,
    DECLINE,
    HIDDEN_WEIGHT,
    Loans,
    build_loans,
    hinge,
    mature,
    observable_log_odds,
    outcome_rows,
    outcomes_frame,
)
from training.simulator.people import OCCUPATIONS
from training.simulator.seasons import DAY, HOUR, MINUTE, MONTH, Window
from training.simulator.size import Size

YEARS = Window.of(Size(months=24))


def _log_odds(applicant: dict[str, object] | None = None, **application: object) -> float:
    who = make_applicants(1, **(applicant or {}))
    return float(observable_log_odds(who, make_applications(1, **application), window=WINDOW)[0])


def test_a_hinge_rises_from_its_start_to_its_width() -> None:
    assert hinge(np.array([0.0, 0.35, 0.5, 2.0]), 0.35, 0.45).tolist() == pytest.approx([0.0, 0.0, 0.15, 0.45])


@pytest.mark.parametrize(
    ("application", "log_odds"),
    [
        ({}, 0.0),
        ({"pti": 0.85}, 2.8 * 0.45),
        ({"ltv": 0.7}, 4.0 * 0.2),
        ({"score": 715}, -1.15 * np.tanh(1)),
        ({"enquiries": 20}, 0.22 * 8),
        ({"delinquencies": 3}, 0.4 * 3),
        ({"utilisation": 0.9}, 1.8 * 0.5),
        ({"utilisation": 0.9, "pti": 0.55}, 2.8 * 0.2 + 1.8 * 0.5 * 1.3),
        ({"thin": True, "score": 350, "delinquencies": 9}, 0.9),
        ({"thin": True, "ltv": 0.7}, 4.0 * 0.2 + 0.9 + 4.0 * 0.1),
        ({"employment": 36}, -0.55 * np.log(4)),
        ({"income": 17_200}, -0.3 * np.log(2)),
        ({"housing": 2}, 0.25),
        ({"co_borrower": True}, -0.5),
    ],
)
def test_each_term_of_an_application_adds_to_the_log_odds(application: dict[str, object], log_odds: float) -> None:
    assert _log_odds(**application) == pytest.approx(-4.35 + log_odds)


def test_each_term_of_an_applicant_adds_to_the_log_odds() -> None:
    driver = make_demographics(1, occupation=OCCUPATIONS.index("网约车司机"))
    assert _log_odds({"demographics": driver}) == pytest.approx(-4.35 + 0.4)
    assert _log_odds({"commercial": True, "shift": 0.5}) == pytest.approx(-4.35 + 0.3 + 0.2)
    assert _log_odds({"used": True}, term=48) == pytest.approx(-4.35 + 0.35 * 2)
    later = {"submitted_at": START + int(2.5 * MONTH)}
    assert _log_odds(later) == pytest.approx(-4.35 + 0.12 * np.sin(np.pi / 6))


def test_probabilities_follow_the_log_odds_and_the_hidden_variable() -> None:
    who, applications = make_applicants(500, partner=True), make_applications(500, ltv=0.9, pti=0.8, thin=True)
    loans = build_loans(np.random.default_rng(0), who, applications, window=WINDOW)
    odds = observable_log_odds(who, applications, window=WINDOW) + HIDDEN_WEIGHT * loans.hidden
    assert np.allclose(loans.probability, 1 / (1 + np.exp(-odds)))
    assert len(set(loans.expected)) == 1
    assert loans.probability.mean() == pytest.approx(loans.expected[0], abs=0.03)
    defaults = loans.default_at < NEVER
    assert defaults.mean() == pytest.approx(loans.probability.mean(), abs=0.08)
    clock = np.where(loans.originated_at < NEVER, loans.originated_at, who.submitted_at)
    lasted = (loans.default_at - clock)[defaults]
    assert lasted.min() > 90 * DAY and lasted.max() < 365 * DAY
    assert (loans.loss <= applications.loan).all()


def test_only_an_approved_loan_of_a_buyer_or_a_partner_is_paid_out() -> None:
    n = 300
    group = np.arange(n) % 3  # a partner's customer, a buyer of ours, a shopper who does not buy
    ordered = np.where(group == 1, START + HOUR, NEVER)
    who = make_applicants(n, partner=group == 0, ordered_at=ordered)
    loans = build_loans(np.random.default_rng(0), who, make_applications(n), window=WINDOW)
    paid = loans.originated_at < NEVER
    assert (loans.decision[paid] == APPROVE).all()
    assert paid[group == 0].any() and paid[group == 1].any() and not paid[group == 2].any()
    assert (loans.originated_at[paid & (group == 1)] >= START + 2 * HOUR).all()
    own = (loans.decided_at - START)[group > 0]
    assert own.min() >= 3 * MINUTE and own.max() < 15 * MINUTE


def test_a_hopeless_application_is_declined() -> None:
    who, applications = make_applicants(50), make_applications(50, score=350, delinquencies=9, pti=2.0, ltv=0.9)
    assert (build_loans(np.random.default_rng(0), who, applications, window=WINDOW).decision == DECLINE).all()


def test_an_outcome_is_known_after_twelve_complete_months() -> None:
    start, end = YEARS.start, YEARS.end
    originated = np.array([start, start, end - 100 * DAY, end - 100 * DAY, NEVER])
    default = np.array([start + 200 * DAY, NEVER, end - 5 * DAY, end + DAY, start])
    zero = np.zeros(5)
    loans = Loans(zero, zero, zero, np.zeros(5, dtype=np.int64), originated, originated, default, np.full(5, 700.0))
    assert outcome_rows(loans, window=YEARS).tolist() == [0, 1, 2, 3]
    assert mature(loans, window=YEARS).tolist() == [True, True, False, False, False]
    frame = outcomes_frame(loans, make_applications(5, term=12), window=YEARS)
    assert frame["application_id"].to_list() == [f"A0000000{k}" for k in (1, 2, 3, 4)]
    assert frame["defaulted"].to_list() == [True, False, None, None]
    assert frame["defaulted_at"].to_list() == [start + 200 * DAY, None, end - 5 * DAY, None]
    assert frame["observed_at"].to_list() == [start + 365 * DAY, start + 365 * DAY, None, None]
    assert frame["months_on_book"].to_list() == [6, 12, 3, 3]
    assert frame["loss"].to_list() == [70_000, 0, 70_000, None]
