"""Statement of the total cost: golden files, exact sums, no external resources, escaped texts."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ml.bilingual import Text
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.disclosure import STATEMENT, Disclosure, disclose
from ml.loans.disclosure_html import page
from ml.loans.eligibility import PricingBasis
from ml.loans.repayment import schedule_for
from tests.ml.loans.small_loans import loan_for

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
GOLDEN = Path(__file__).parent / "golden"
ON = date(2026, 9, 15)
CASES: dict[str, tuple[str, str, int, float | None, float]] = {
    # name of the file: product, vehicle class, term, balloon share, probability of default
    "equal_instalment_with_state_subsidy": ("bank_standard", "private_new_energy", 36, None, 0.008),
    "equal_principal": ("bank_equal_principal", "private_combustion", 24, None, 0.008),
    "zero_rate_by_the_maker": ("maker_zero", "private_combustion", 36, None, 0.008),
    "balloon_with_fee": ("maker_balloon", "private_combustion", 36, 0.4, 0.02),
    "deferred": ("maker_deferred", "private_combustion", 36, None, 0.008),
    "flat_rate": ("flat_easy", "private_combustion", 36, None, 0.04),
    "interest_only": ("short_interest_only", "private_combustion", 12, None, 0.008),
    "used_with_guarantee": ("used_guaranteed", "used", 36, None, 0.03),
}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(CONFIGS / "loans" / "products.yaml", CONFIGS / "loans" / "rules.yaml")


def statement_for(lending: Lending, case: str) -> Disclosure:
    name, kind, term, balloon, probability = CASES[case]
    application = Application(Applicant(32, 1_600_000), Vehicle("V1", 18_000_000, kind), 8_000_000, term)
    basis = PricingBasis(on=ON, probability_of_default=probability)
    loan = loan_for(lending, name, application, basis=basis, balloon_share=balloon or 0.0)
    return disclose(lending, name, schedule_for(loan, ON))


@pytest.mark.parametrize("case", CASES)
def test_golden_statement(lending: Lending, case: str) -> None:
    golden = json.loads((GOLDEN / f"{case}.json").read_text(encoding="utf-8"))
    assert json.loads(statement_for(lending, case).model_dump_json()) == golden


@pytest.mark.parametrize("case", ["used_with_guarantee", "zero_rate_by_the_maker"])
def test_golden_page(lending: Lending, case: str) -> None:
    assert page(statement_for(lending, case)) == (GOLDEN / f"{case}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_the_items_add_up_and_the_rest_is_said(lending: Lending, case: str) -> None:
    statement = statement_for(lending, case)
    assert sum(item.amount for item in statement.items) == statement.total_cost
    assert statement.total_payment == statement.principal + statement.total_cost
    assert [c.name.en for c in statement.contingent] == ["Late interest", "Early settlement"]
    assert statement.statement == STATEMENT
    assert statement.annualised_cost >= max(item.annualised for item in statement.items)


def test_money_is_yuan_in_json(lending: Lending) -> None:
    statement = statement_for(lending, "used_with_guarantee")
    assert statement.principal == 10_000_000
    assert json.loads(statement.model_dump_json())["principal"] == 100_000.0


def test_who_collects_what(lending: Lending) -> None:
    statement = statement_for(lending, "used_with_guarantee")
    assert [(i.name.en, i.collected_by.en) for i in statement.items] == [
        ("Interest", "Harbour Consumer Credit"),
        ("Credit enhancement fee", "Anxing Guarantee"),
        ("Lien registration", "the dealer"),
    ]
    assert statement.contingent[0].annualised == pytest.approx(0.0990 * 1.5)


def test_what_others_pay_is_shown_beside_the_table(lending: Lending) -> None:
    statement = statement_for(lending, "deferred")
    assert [(s.name.zh, s.amount > 0) for s in statement.subsidies] == [("经销商贴息", True), ("财政贴息", True)]


def test_the_page_loads_nothing_and_is_well_formed(lending: Lending) -> None:
    open_tags: list[str] = []
    loads: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loads.extend(name for name, _ in attrs if name in ("src", "href", "srcset", "action"))
            if tag not in ("meta",):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    for case in CASES:
        html = page(statement_for(lending, case))
        Reader().feed(html)
        assert open_tags == [] and loads == []
        assert not re.search(r"https?:|@import|url\(|<script", html)


def test_every_text_is_escaped(lending: Lending) -> None:
    evil = Text(zh="<script>alert(1)</script>", en="\"><img src=x onerror='x'>")
    statement = statement_for(lending, "used_with_guarantee")
    html = page(
        statement.model_copy(
            update={
                "lender": evil,
                "product": evil,
                "form": evil,
                "statement": evil,
                "items": tuple(
                    i.model_copy(update={"name": evil, "standard": evil, "collection": evil, "collected_by": evil})
                    for i in statement.items
                ),
                "subsidies": (),
                "contingent": tuple(
                    c.model_copy(update={"name": evil, "standard": evil}) for c in statement.contingent
                ),
            }
        )
    )
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.browser
def test_the_page_prints_on_one_sheet(lending: Lending, tmp_path: Path) -> None:
    for case in ("zero_rate_by_the_maker", "deferred", "used_with_guarantee"):  # the longest
        (tmp_path / "page.html").write_text(page(statement_for(lending, case)), encoding="utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        printed = tmp_path / "page.pdf"
        subprocess.run(
            [*command, f"--print-to-pdf={printed}", (tmp_path / "page.html").as_uri()], check=True, capture_output=True
        )
        assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) == 1, case
