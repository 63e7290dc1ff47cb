"""Every rule that can exclude the requested loan has its text."""

from __future__ import annotations

from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.candidates import RULES
from ml.loans.requested_loan import RULE_TEXTS, requested_loan_notes

APPLICATION = Application(Applicant(35, 1_500_000), Vehicle("V1", 15_000_000, "used"), 5_000_000, 12)


def test_every_rule_has_a_text_of_its_own() -> None:
    assert set(RULE_TEXTS) == set(RULES)
    assert (
        len({text.zh for text in RULE_TEXTS.values()}) == len({text.en for text in RULE_TEXTS.values()}) == len(RULES)
    )


def test_a_note_names_down_payment_term_and_every_rule() -> None:
    assert requested_loan_notes(APPLICATION, ()) == []
    (note,) = requested_loan_notes(APPLICATION, ("payment_to_income", "amount"))
    assert note.zh == (
        "首付 50,000.00 元、期限 12 个月的方案不可办理：因产品而异——"
        "月供与其他负债占收入的比例过高；贷款金额低于或超过产品限额"
    )
    assert note.en == (
        "no loan with 50,000.00 yuan down over 12 months: depending on the product, "
        "payment and other debts too high for the income; amount below or above the products' limits"
    )
