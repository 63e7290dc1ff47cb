"""JSON content of an offer, a change, a cell of the payment grid and the cash purchase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.domain.loans.application import Application
from ml.domain.loans.offers import Offer
from ml.domain.loans.payment_grid import PaymentGrid
from ml.domain.loans.schedule import schedule
from ml.loans.amounts import fen
from ml.loans.catalogue.files import Lending
from ml.loans.lease_answer import LeaseAnswer, lease_answer
from ml.loans.offer_identity import valid_until
from ml.loans.price_conduct import FeeService, fee_services
from ml.loans.repayment import schedule_for, subsidies_by_payer

BEST_AT: Mapping[str, Text] = {
    "as_requested": Text(zh="按您的方案", en="as requested"),
    "lowest_payment": Text(zh="月供最低", en="lowest monthly payment"),
    "lowest_payment_balloon": Text(
        zh="月供最低（到期付尾款）", en="lowest monthly payment, with an amount due at maturity"
    ),
    "lowest_total_cost": Text(
        zh="总成本最低（息费与放弃的优惠合计）", en="lowest cost: interest, fees and the discount given up"
    ),
    "lowest_down_payment": Text(zh="首付最低", en="lowest down payment"),
    "fastest_equity": Text(zh="还本最快", en="fastest repayment of principal"),
    "balanced": Text(zh="最均衡", en="most balanced"),
}


class OfferAnswer(BaseModel):
    """One loan offer; money in yuan, rates as yearly fractions."""

    offer_id: str | None = Field(
        None,
        description="digest of application, loan, rules and model: the same inputs give the same id; none in a preview",
    )
    valid_until: date = Field(description="last day of the offer")
    best_at: list[str] = Field(
        description="as_requested, and measures in which this offer is the best of all feasible loans: lowest_payment, "
        "lowest_payment_balloon, lowest_total_cost (`cost_over_cash`), lowest_down_payment, fastest_equity, balanced"
    )
    best_at_text: list[Text] = Field(description="the same as texts for the customer")
    product: str = Field(description="key in the catalogue")
    product_name: Text
    lender: Text
    form: str = Field(description="repayment form, such as equal_instalment, flat_rate or balloon")
    down_payment: float = Field(description="in cash and by trade-in")
    amount: float = Field(description="principal, financed extras included")
    financed_extras: float = Field(description="extras that the loan pays for; part of `amount`")
    cash_due: float = Field(
        description="due at signing: down payment less the trade-in's net value, extras that are not financed, fees "
        "and a lease's deposit"
    )
    term_months: int
    annual_rate: float = Field(description="contract rate")
    balloon_share: float | None = Field(description="balloon as a fraction of `amount`; null without one")
    balloon: float = Field(description="principal that is due with the last payment; a lease's residual")
    monthly_payment: float = Field(description="largest before the last")
    final_payment: float = Field(
        description="last payment, with the balloon or principal due at maturity, less a lease's deposit"
    )
    up_front: float = Field(description="fees at disbursement, with those for services that the customer can decline")
    total_interest: float = Field(description="over the whole loan, after all subsidies")
    total_fees: float = Field(description="over the whole loan, with those at disbursement")
    total_cost: float = Field(description="interest and fees")
    fees: list[FeeService] = Field(
        description="fees of the loan, each with the service rendered for it; `total_fees` counts a lease's purchase "
        "option too"
    )
    lease: LeaseAnswer | None = Field(description="owner, deposit, residual and purchase option of a finance lease")
    subsidies: dict[str, float] = Field(
        description="payer (maker, dealer, state) to the interest that it pays over the loan, already deducted; the "
        "state pays on instalments due within its programme only"
    )
    forgone_discount: float = Field(
        description="discount on the price that the customer loses with this loan, and has without it"
    )
    cost_over_cash: float = Field(description="cost compared with paying cash: interest, fees and the forgone discount")
    nominal_rate: float = Field(description="annualised cost with all fees: 12 x monthly internal rate")
    effective_rate: float = Field(description="annualised cost with all fees, with compounding")
    implied_rate: float = Field(description="nominal annualised cost with the forgone discount as a further cost")
    loan_to_value: float = Field(description="by the base of the lending rules")
    payment_to_income: float = Field(
        description="this loan and all other debts, as a share of joint income; of this loan the larger of "
        "`monthly_payment` and the mean of all payments without the balloon"
    )
    probability_of_default: float = Field(description="predicted for this loan")
    risk_band: str = Field(description="band of this loan's probability of default; it sets the rate")
    band: str = Field(description="pre-assessment of this loan: approve 预审通过 or refer 人工审核")
    expected_profit: float | None = Field(None, description="of the lender; null without lender_view")
    expected_loss: float | None = Field(None, description="of the lender; null without lender_view")


class ChangeAnswer(BaseModel):
    """A changed application that model and lending rules allow; money in yuan."""

    changed: list[str] = Field(description="changed fields: down_payment, term_months, vehicle")
    vehicle_id: str = Field(description="requested vehicle, or one in stock")
    vehicle_price: float
    down_payment: float = Field(description="in cash and by trade-in")
    term_months: int
    probability_of_default: float = Field(description="predicted for this loan")
    offer: OfferAnswer = Field(
        description="cheapest loan with exactly this down payment and term; `best_at` is empty, as none is compared"
    )


class GridCell(BaseModel):
    """One combination of term and down payment; `violations` lists the rules that exclude it."""

    term_months: int
    down_payment: float = Field(description="in cash and by trade-in")
    monthly_payment: float | None = Field(description="null if the risk of this loan has no rate")
    nominal_rate: float | None = Field(description="annualised cost with all fees; null without a price")
    probability_of_default: float = Field(description="predicted for this loan")
    band: str = Field(description="pre-assessment of this loan: approve, refer or decline")
    violations: list[str] = Field(description="rules that exclude this loan, as in the answer's violations")


class CashPurchase(BaseModel):
    """Purchase without a loan, in yuan, as the comparison for every offer."""

    price: float
    extras: float = Field(description="all extras, financed or not")
    trade_in: float = Field(description="net value of the car that is traded in")
    discount: float = Field(
        description="largest discount on the price that an available product would forgo; a loan whose "
        "`forgone_discount` is 0 has it too, and no offer deducts it"
    )
    to_pay: float = Field(description="price and extras, less trade-in and discount")


def offer_answer(
    lending: Lending, application: Application, offer: Offer, *, on: date, identity: str, lender_view: bool, net: int
) -> OfferAnswer:
    """Return the JSON content of an offer.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`.
    application : Application
        Extras and applicant.
    offer : Offer
        Of `ml.loans.quotes.offers_for`.
    on : date
        Day of the offer.
    identity : str
        As returned by `ml.loans.offer_identity.offer_id`.
    lender_view : bool
        Whether profit and loss are included.
    net : int
        Net value of the car that is traded in, fen; below 0 if its loan is larger.
    """
    product, loan = lending.catalogue.products[offer.name], offer.loan
    lease = lease_answer(loan)
    at_signing = offer.up_front + (fen(lease.deposit) if lease else 0)
    cash = offer.down_payment - net + application.extras - application.financed_extras + at_signing
    return OfferAnswer(
        offer_id=identity,
        valid_until=valid_until(lending, offer.name, on),
        best_at=list(offer.best_at),
        best_at_text=[BEST_AT[name] for name in offer.best_at],
        product=offer.name,
        product_name=product.name,
        lender=lending.catalogue.lenders[offer.lender].name,
        form=product.form,
        down_payment=offer.down_payment / 100,
        amount=loan.amount / 100,
        financed_extras=application.financed_extras / 100,
        cash_due=cash / 100,
        term_months=loan.term_months,
        annual_rate=loan.annual_rate,
        balloon_share=round(loan.balloon / loan.amount, 6) if loan.balloon else None,
        balloon=loan.balloon / 100,
        monthly_payment=offer.monthly_payment / 100,
        final_payment=offer.final_payment / 100,
        up_front=offer.up_front / 100,
        total_interest=offer.total_interest / 100,
        total_fees=offer.total_fees / 100,
        total_cost=offer.total_cost / 100,
        fees=fee_services(lending.catalogue, offer.name, schedule(loan, on).fees) if product.fees else [],
        lease=lease,
        subsidies=subsidies_by_payer(schedule_for(loan, on)),
        forgone_discount=offer.forgone_discount / 100,
        cost_over_cash=(offer.total_cost + offer.forgone_discount) / 100,
        nominal_rate=round(offer.nominal_rate, 6),
        effective_rate=round(offer.effective_rate, 6),
        implied_rate=round(offer.implied_rate, 6),
        loan_to_value=round(offer.loan_to_value, 6),
        payment_to_income=round(offer.payment_to_income, 6),
        probability_of_default=round(offer.probability_of_default, 6),
        risk_band=offer.risk_band,
        band=offer.decision,
        expected_profit=offer.expected_profit / 100 if lender_view else None,
        expected_loss=offer.expected_loss / 100 if lender_view else None,
    )


def cash_purchase(application: Application, *, discount: int, net: int) -> CashPurchase:
    """Return the purchase of the application's vehicle and extras without a loan.

    Parameters
    ----------
    application : Application
        Price and extras.
    discount, net : int
        Cash discount, and net value of the car that is traded in, fen.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> application = Application(Applicant(35, 1_500_000), Vehicle("V1", 15_000_000, "used"), 5_000_000)
    >>> cash_purchase(application, discount=500_000, net=3_000_000).to_pay
    115000.0
    """
    price, extras = application.vehicle.price, application.extras
    return CashPurchase(
        price=price / 100,
        extras=extras / 100,
        trade_in=net / 100,
        discount=discount / 100,
        to_pay=(price + extras - net - discount) / 100,
    )


def grid_cells(grid: PaymentGrid) -> list[GridCell]:
    """Return the cells of a payment grid as JSON content, term by term; amounts in yuan.

    Parameters
    ----------
    grid : PaymentGrid
        As returned by `ml.loans.quotes.grid_for`.
    """
    return [
        GridCell(
            term_months=term,
            down_payment=down / 100,
            monthly_payment=None if cell.monthly_payment is None else cell.monthly_payment / 100,
            nominal_rate=None if cell.nominal_rate is None else round(cell.nominal_rate, 6),
            probability_of_default=round(cell.probability_of_default, 6),
            band=cell.decision,
            violations=list(cell.violations),
        )
        for term, row in zip(grid.terms, grid.cells, strict=True)
        for down, cell in zip(grid.down_payments, row, strict=True)
    ]
