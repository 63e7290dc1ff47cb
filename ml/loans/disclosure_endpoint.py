"""`POST /v1/loans/disclosure`: statement of the total cost of a loan, as JSON or as a printable page.

A request names product, amount, rate, term and balloon as an offer states them, as that of `/schedule` does.
"""

from __future__ import annotations

from features.errors import DataError
from ml.loans.catalogue.files import Lending
from ml.loans.disclosure import Disclosure, disclose
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.eligibility import product_by_name
from ml.loans.loan_limits import unchecked_limits
from ml.loans.loan_terms import build_loan
from ml.loans.repayment import schedule_for


def answer_disclosure(lending: Lending, request: DisclosureRequest) -> Disclosure:
    """Return the statement of the total cost of a loan.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    request : DisclosureRequest
        Terms as an offer states them: amounts in yuan, `annual_rate` a yearly fraction; `form` has the entries of the
        printed form. Such as ``ml.loans.disclosure_form.DisclosureRequest(**ml.loans.endpoints.EXAMPLE_LOAN)``.

    Returns
    -------
    Disclosure
        Rows of the mandatory form; amounts in fen (yuan in its JSON), annualised costs as yearly fractions.
        `ml.loans.disclosure_html.page` prints it.

    Raises
    ------
    DataError
        The product is unknown or a finance lease, or the loan does not agree with its terms in the catalogue.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.disclosure_form import DisclosureRequest
    >>> lending = read_lending(Path("configs"))
    >>> request = DisclosureRequest(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> form = answer_disclosure(lending, request)
    >>> form.total_cost, form.annualised_cost, [item.name.en for item in form.items]
    (524405, 0.033401, ['Interest'])
    """
    loan = build_loan(lending, request)
    if loan.product.lease is not None:
        # 个人贷款业务明示综合融资成本规定 binds lenders of personal loans. A lease on the form of a loan would misstate
        # what is agreed, and be evidence that the lease is a loan in disguise.
        raise DataError(
            f"product '{request.product}' is a finance lease, and the statement of costs is the form for personal "
            "loans: send the same terms to /v1/loans/schedule, which states rents, deposit, purchase option and "
            "annualised cost"
        )
    schedule = schedule_for(loan, request.on)
    statement = disclose(lending, request.product, schedule, form=request.form, extras=request.extras)
    unchecked = unchecked_limits(lending, product_by_name(lending, request.product), request.stated_loan)
    return statement.model_copy(update={"unchecked": tuple(unchecked)})
