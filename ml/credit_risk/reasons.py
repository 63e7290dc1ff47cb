"""Built-in reason codes of `credit_risk`: features, and a sentence for the customer in Chinese and English.

Age, gender, marital status, education and region have no reason: they are protected attributes, which no model uses.
"""

from __future__ import annotations

REASONS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "LOAN_TO_VALUE": (
        ("loan_to_value", "down_payment_share", "down_payment"),
        "您申请的贷款占车价的比例偏高，首付偏低。",
        "The loan is large compared with the price of the vehicle; the down payment is low.",
    ),
    "PAYMENT_TO_INCOME": (
        ("payment_to_income", "loan_to_monthly_income", "monthly_income", "instalment"),
        "按您的收入，这笔贷款的月供偏高。",
        "The monthly payment is high compared with your income.",
    ),
    "EXISTING_DEBT": (
        ("debt_to_income", "total_monthly_payment", "monthly_debt_payment"),
        "您现有负债的每月还款额偏高。",
        "Your monthly payments on existing debts are high compared with your income.",
    ),
    "LOAN_SIZE": (("loan_amount", "vehicle_price"), "您申请的贷款金额偏高。", "The loan amount is high."),
    "TERM": (("term_months",), "您申请的贷款期限偏长。", "The term of the loan is long."),
    "PAST_DUE": (
        ("bureau_delinquencies_24m", "bureau_worst_days_past_due"),
        "您的征信记录中有逾期还款。",
        "Your credit record shows late payments.",
    ),
    "ENQUIRIES": (
        ("bureau_enquiries_6m",),
        "您的征信记录近期查询次数偏多。",
        "Lenders have requested your credit record many times recently.",
    ),
    "UTILISATION": (
        ("bureau_utilisation",),
        "您的授信额度使用率偏高。",
        "You use a large part of your available credit.",
    ),
    "BUREAU_SCORE": (("bureau_score",), "您的征信评分偏低。", "Your credit bureau score is low."),
    "THIN_RECORD": (
        ("bureau_history_months", "bureau_open_accounts"),
        "您的信用记录较短，或信贷账户较少。",
        "Your credit record is short or has few accounts.",
    ),
    "EMPLOYMENT": (
        ("employment_months", "occupation"),
        "您在现单位的工作时间较短，或职业稳定性不足。",
        "You have been in your present job for a short time, or the job is less stable.",
    ),
    "RESIDENCE": (
        ("residence_months", "housing"),
        "您在现住址的居住时间较短，或居住不够稳定。",
        "You have lived at your present address for a short time, or your housing is less stable.",
    ),
    "HOUSEHOLD": (
        ("dependents", "co_borrower"),
        "您的家庭负担较重，或没有共同借款人。",
        "You support several dependants, or there is no co-borrower.",
    ),
    "VEHICLE": (
        ("condition", "energy_type", "use"),
        "您所选车辆类型的贷款风险偏高。",
        "Loans for this type of vehicle carry a higher risk.",
    ),
    "CHANNEL": (
        ("channel",),
        "通过您所用渠道提交的申请，贷款风险偏高。",
        "Applications through the channel that you used carry a higher risk.",
    ),
}

# What a code is about, as a noun that fits both ways: "credit bureau score" can lower and raise a score.
TOPICS: dict[str, tuple[str, str]] = {
    "LOAN_TO_VALUE": ("贷款占车价的比例", "Loan compared with the price"),
    "PAYMENT_TO_INCOME": ("月供占收入的比例", "Payment compared with income"),
    "EXISTING_DEBT": ("现有负债", "Existing debts"),
    "LOAN_SIZE": ("贷款金额与车价", "Loan amount and price"),
    "TERM": ("贷款期限", "Term"),
    "PAST_DUE": ("逾期记录", "Late payments on record"),
    "ENQUIRIES": ("征信查询次数", "Credit enquiries"),
    "UTILISATION": ("授信额度使用率", "Use of available credit"),
    "BUREAU_SCORE": ("征信评分", "Credit bureau score"),
    "THIN_RECORD": ("信用记录长短", "Length of the credit record"),
    "EMPLOYMENT": ("工作年限与职业", "Job"),
    "RESIDENCE": ("居住稳定性", "Housing and address"),
    "HOUSEHOLD": ("家庭负担与共同借款人", "Household and co-borrower"),
    "VEHICLE": ("车辆类型", "Type of vehicle"),
    "CHANNEL": ("申请渠道", "Channel"),
}
