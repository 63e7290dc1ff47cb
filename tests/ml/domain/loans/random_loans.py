"""Random loans of every form, subsidy, fee, deferral and calendar, for tests of properties."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from ml.domain.loans.calendar import DENOMINATORS, PaymentCalendar
from ml.domain.loans.lease import DEPOSIT_RETURNS, LEASE_KINDS, Lease
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import DEFERRALS, FORMS, Fee, Form, LoanProduct, Subsidy

START = date(2026, 1, 15)

rates = st.integers(0, 2_400).map(lambda basis: basis / 10_000)
shares = st.integers(1, 300).map(lambda basis: basis / 10_000)
fens = st.integers(0, 1_000_000)
fees = st.one_of(
    st.builds(Fee, name=st.just("a"), charged=st.just("up_front"), share=shares),
    st.builds(
        Fee,
        name=st.just("b"),
        charged=st.just("per_instalment"),
        amount=st.integers(1, 20_000),
        broken_period=st.sampled_from(["in_full", "by_days"]),
    ),
    st.builds(Fee, name=st.just("c"), charged=st.just("per_instalment"), yearly_share_of_balance=shares),
    st.builds(Fee, name=st.just("d"), charged=st.just("at_maturity"), amount=st.integers(1, 20_000)),
)
buy_downs = st.builds(
    Subsidy, payer=st.sampled_from(["maker", "dealer"]), rate=rates, principal=st.none() | fens, total=st.none() | fens
)
programmes = st.builds(
    Subsidy,
    payer=st.just("state"),
    rate=rates,
    lowers_instalment=st.just(False),
    share_of_rate=st.sampled_from([0.5, 1.0]),
    months=st.none() | st.integers(0, 24),
    principal=st.none() | fens,
    per_year=st.none() | fens,
    used_this_year=fens,
    until=st.none() | st.dates(START, date(2030, 1, 1)),
)
leases = st.builds(
    Lease,
    kind=st.sampled_from(LEASE_KINDS),
    deposit_share=st.sampled_from([0.0, 0.1, 0.3]),
    deposit_return=st.sampled_from(DEPOSIT_RETURNS),
)
calendars = st.builds(
    PaymentCalendar,
    day_count=st.sampled_from(list(DENOMINATORS)),
    payment_day=st.sampled_from(["same_day", "end_of_month", 1, 28, 31]),
    first_period_interest=st.sampled_from(["days", "month"]),
)


@st.composite
def any_loan(draw: st.DrawFn) -> Loan:
    form: Form = draw(st.sampled_from(FORMS))
    product = LoanProduct(
        form=form,
        fees=tuple(draw(st.lists(fees, max_size=2))),
        subsidies=(*draw(st.lists(buy_downs, max_size=2)), *draw(st.lists(programmes, max_size=1))),
        deferred_months=draw(st.integers(0, 6)),
        deferral=draw(st.sampled_from(DEFERRALS)),
        calendar=draw(calendars),
        rounding=draw(st.sampled_from(["half_up", "half_even"])),
        lease=draw(leases) if form == "finance_lease" else None,
    )
    amount = draw(st.integers(100_000, 100_000_000))
    lowest = {"balloon": 1, "finance_lease": 0}.get(form)
    balloon = 0 if lowest is None else draw(st.integers(lowest, amount * 6 // 10))
    return Loan(product, amount, draw(rates), draw(st.integers(7, 84)), balloon)
