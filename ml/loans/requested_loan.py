"""Why no offer is the requested loan: its violations of rules, in words for the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml.bilingual import Text
from ml.domain.loans.application import Application

# One text for each of `ml.domain.loans.candidates.RULES`. The profit is internal: its text does not name it.
RULE_TEXTS: Mapping[str, Text] = {
    "risk_band": Text(zh="该方案的风险等级没有对应利率", en="no rate for the risk of this loan"),
    "credit_decision": Text(zh="预审不通过", en="it would be declined"),
    "amount": Text(zh="贷款金额低于或超过产品限额", en="amount below or above the products' limits"),
    "loan_to_value": Text(
        zh="首付低于产品要求或贷款成数上限", en="down payment below the products' minimum or the limit of loan-to-value"
    ),
    "extras": Text(zh="附加品融资超过可融比例", en="too large a share of the extras financed"),
    "payment_to_income": Text(
        zh="月供与其他负债占收入的比例过高", en="payment and other debts too high for the income"
    ),
    "term": Text(
        zh="没有产品提供该期限，或者超过规定的最长期限", en="no product has this term, or the law allows none so long"
    ),
    "age_at_maturity": Text(zh="申请人现在或到期时的年龄不符", en="age of the applicant, now or at maturity"),
    "balloon": Text(zh="到期尾款高于车辆残值", en="amount due at maturity above the vehicle's resale value"),
    "annualised_cost": Text(zh="综合年化成本超过上限", en="annualised cost above the ceiling"),
    "expected_profit": Text(zh="不符合贷款机构的内部条件", en="internal conditions of the lenders"),
}


def requested_loan_notes(application: Application, violations: Sequence[str]) -> list[Text]:
    """Return a note that says why no product allows the requested down payment and term; empty without violations.

    Parameters
    ----------
    application : Application
        Requested down payment and term.
    violations : sequence of str
        `ml.domain.loans.offers.Offers.requested_violations`.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> application = Application(Applicant(35, 1_500_000), Vehicle("V1", 15_000_000, "used"), 5_000_000, 12)
    >>> note, = requested_loan_notes(application, ["payment_to_income"])
    >>> print(note.en)
    no loan with 50,000.00 yuan down over 12 months: payment and other debts too high for the income
    """
    if not violations:
        return []
    down, term = f"{application.down_payment / 100:,.2f}", application.term_months
    texts = [RULE_TEXTS[rule] for rule in violations]
    zh, en = "；".join(text.zh for text in texts), "; ".join(text.en for text in texts)
    if len(texts) > 1:  # not every product has every reason
        zh, en = f"因产品而异——{zh}", f"depending on the product, {en}"
    return [
        Text(
            zh=f"首付 {down} 元、期限 {term} 个月的方案不可办理：{zh}",
            en=f"no loan with {down} yuan down over {term} months: {en}",
        )
    ]
