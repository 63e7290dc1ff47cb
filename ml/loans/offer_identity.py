"""Identity and validity of an offer: an id that can be recomputed from the inputs, and the last day of the offer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from ml.domain.loans.loan import Loan
from ml.loans.catalogue.fields import Dated, in_force
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import product_by_name

_ID_LENGTH = 24  # hexadecimal digits: 96 bits


def offer_id(lending: Lending, inputs: Mapping[str, Any], name: str, loan: Loan) -> str:
    """Return the id of an offer: a digest of the application, the loan, and the rules and model that priced it.

    The requested down payment and term are no inputs, so that asking for exactly the offered loan gives the same id.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`; its content is part of the digest.
    inputs : mapping
        JSON content of the application: date, applicant, vehicle, extras, further fields, and the model's version.
    name : str
        Key of the product in the catalogue.
    loan : Loan
        The offered loan.

    Returns
    -------
    str
        24 hexadecimal digits, the beginning of a SHA-256.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.loans.endpoints import read_lending
    >>> loan = Loan(LoanProduct(), amount=10_000_000, annual_rate=0.035, term_months=36)
    >>> lending = read_lending(Path("configs"))
    >>> first, second = (offer_id(lending, {"on": "2026-09-01", "price": p}, "bank_standard", loan) for p in (1, 2))
    >>> len(first), first == second
    (24, False)
    """
    content = {
        "inputs": inputs,
        "lending": lending.fingerprint,
        "product": name,
        "amount": loan.amount,
        "annual_rate": loan.annual_rate,
        "term_months": loan.term_months,
        "balloon": loan.balloon,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]


def valid_until(lending: Lending, name: str, on: date) -> date:
    """Return the last day of an offer: the house's number of days, but not beyond a change of rates, rules or discount.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`.
    name : str
        Key of the product in the catalogue.
    on : date
        Day of the offer.

    Raises
    ------
    DataError
        The product is unknown, or no house policy is in force on that day.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> str(valid_until(lending, "bank_standard", date(2026, 9, 1)))
    '2026-09-08'
    >>> str(valid_until(lending, "bank_standard", date(2026, 12, 30)))  # the state's subsidy ends
    '2026-12-31'
    """
    rules, product = lending.rules, product_by_name(lending, name)
    days = in_force(rules.policy, on, name="policy").offer_validity_days
    sequences: tuple[Sequence[Dated], ...] = (
        product.rates,
        rules.loan_to_value,
        rules.term,
        rules.state_subsidy,
        rules.risk,
        rules.policy,
        *(rule.periods for rule in rules.rate_ceilings.values() if rule.enabled),
    )
    discount = product.forgone_discount
    end_of_discount = discount.valid_until if discount is not None and discount.covers(on) else date.max
    return min(on + timedelta(days=days), end_of_discount, *(_last_day(sequence, on) for sequence in sequences))


def _last_day(rules: Sequence[Dated], on: date) -> date:
    """Return the last day on which the same rule of a list is in force as on a day."""
    ends = [rule.valid_until or following.valid_from - timedelta(days=1) for rule, following in pairwise(rules)]
    ends.append(rules[-1].valid_until or date.max)
    starts = [rule.valid_from - timedelta(days=1) for rule in rules]
    return min((day for day in (*starts, *ends) if day >= on), default=date.max)
