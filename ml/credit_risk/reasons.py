"""Reason codes of the application form: what an applicant can be told, in Chinese and English."""

from __future__ import annotations

REASONS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "LOAN_TO_VALUE": (
        ("loan_to_value", "down_payment_share", "down_payment"),
        "贷款金额占车价比例偏高，首付偏低",
        "The loan is high for the price of the vehicle: the down payment is low",
    ),
    "PAYMENT_TO_INCOME": (
        ("payment_to_income", "loan_to_monthly_income", "monthly_income", "instalment"),
        "月供占收入比例偏高",
        "The monthly payment is high for the income",
    ),
    "EXISTING_DEBT": (
        ("debt_to_income", "total_monthly_payment", "monthly_debt_payment"),
        "现有负债偏高",
        "Existing debt payments are high for the income",
    ),
    "LOAN_SIZE": (("loan_amount", "vehicle_price"), "贷款金额偏高", "The amount of the loan is high"),
    "TERM": (("term_months",), "贷款期限偏长", "The term of the loan is long"),
    "PAST_DUE": (
        ("bureau_delinquencies_24m", "bureau_worst_days_past_due"),
        "征信记录中有逾期",
        "The credit record shows late payments",
    ),
    "ENQUIRIES": (("bureau_enquiries_6m",), "近期征信查询次数偏多", "There were many recent credit enquiries"),
    "UTILISATION": (("bureau_utilisation",), "授信额度使用率偏高", "Much of the available credit is in use"),
    "BUREAU_SCORE": (("bureau_score",), "征信评分偏低", "The credit bureau score is low"),
    "THIN_RECORD": (
        ("bureau_history_months", "bureau_open_accounts"),
        "信用记录较短或较少",
        "The credit record is short or thin",
    ),
    "EMPLOYMENT": (
        ("employment_months", "occupation"),
        "现职工作年限或职业稳定性不足",
        "Time in the present job, or its stability, is insufficient",
    ),
    "RESIDENCE": (("residence_months", "housing"), "居住稳定性不足", "Residence is recent or not settled"),
    "HOUSEHOLD": (
        ("dependents", "co_borrower"),
        "家庭负担或共同借款人情况不利",
        "Dependents or the lack of a co-borrower weigh",
    ),
    "EDUCATION": (("education",), "学历信息不利", "Education weighs against the application"),
    "VEHICLE": (
        ("condition", "energy_type", "use"),
        "所购车辆类型的风险偏高",
        "The kind of vehicle carries a higher risk",
    ),
    "PLACE": (
        ("region", "channel"),
        "申请地区或渠道的风险偏高",
        "The place or channel of the application carries a higher risk",
    ),
}
