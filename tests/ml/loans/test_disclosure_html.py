"""The printed statement: every figure is that of the JSON, nothing is loaded, texts are escaped, pages are numbered."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import date, time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ml.bilingual import Text
from ml.loans.catalogue.files import Lending
from ml.loans.disclosure import Disclosure, FinancedExtra
from ml.loans.disclosure_form import FormEntries
from ml.loans.disclosure_html import page
from ml.loans.disclosure_texts import amount, yearly
from tests.ml.loans.test_disclosure import CASES, GOLDEN, lending, statement_for

__all__ = ["lending"]  # a fixture

ENTRIES = FormEntries(
    borrower="陈晓明",
    borrower_id="330106199203150037",
    co_borrower="李敏",
    co_borrower_id="330106199305050021",
    vehicle="澄舟 X5",
    vin="LSVAA4182E2123456",
    contract_number="LJ-2026-0173",
    store="云川滨江店",
    prepared_by="王丽",
    date=date(2026, 9, 15),
    time=time(10, 42),
    version="LJ-3",
)


def printed(statement: Disclosure) -> str:
    return re.sub(r"<style>.*?</style>", "", page(statement), flags=re.DOTALL)


@pytest.mark.parametrize("case", ["used_with_guarantee", "zero_rate_by_the_maker"])
def test_golden_page(lending: Lending, case: str) -> None:
    assert page(statement_for(lending, case)) == (GOLDEN / f"{case}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_figure_of_the_statement_is_printed(lending: Lending, case: str) -> None:
    statement = statement_for(lending, case)
    html = printed(statement)
    amounts = [statement.principal, statement.total_cost, statement.total_payment, statement.payments.largest]
    amounts += [item.amount for item in (*statement.items, *statement.subsidies)]
    amounts += [end for group in statement.payments.groups for end in (group.lowest, group.highest)]
    rates = [statement.annualised_cost, statement.effective_cost, *(item.annualised for item in statement.items)]
    if statement.without_state_subsidy is not None:
        amounts.append(statement.without_state_subsidy.total_cost)
        rates.append(statement.without_state_subsidy.annualised_cost)
    if statement.implied_cost is not None:
        amounts.append(statement.forgone_discount)
        rates.append(statement.implied_cost)
    assert [value for value in amounts if amount(value) not in html] == []
    assert [rate for rate in rates if yearly(rate) not in html] == []
    texts = [statement.day_count, statement.statement, *(c.standard for c in statement.contingent)]
    assert [text.zh for text in texts if text.zh not in html] == []


def test_entries_are_printed_as_they_are(lending: Lending) -> None:
    html = page(statement_for(lending, "balloon_with_fee").model_copy(update={"form": ENTRIES}))
    for entry in (
        "陈晓明",
        "330106199203150037",
        "李敏",
        "330106199305050021",
        "LSVAA4182E2123456",
        "云川滨江店",
        "王丽",
        "表单版本 LJ-3",
    ):
        assert entry in html
    assert "2026 年 9 月 15 日 10:42" in html and "（合同编号 LJ-2026-0173）" in html
    assert "共同借款人签字" in html


def test_a_missing_entry_is_an_empty_cell(lending: Lending) -> None:
    html = printed(statement_for(lending, "balloon_with_fee"))
    assert html.count("</th><td></td>") == 8 and "None" not in html
    assert "共同借款人" not in html and "合同编号 " not in html


def test_the_largest_payment_is_the_largest(lending: Lending) -> None:
    html = printed(statement_for(lending, "deferred"))
    assert "全部还款中最高一期：第 4 期<" in html
    assert "全部还款中最高一期：第 1 期等 35 期<" in printed(statement_for(lending, "zero_rate_by_the_maker"))


def test_both_costs_are_printed_if_the_state_pays_interest(lending: Lending) -> None:
    html = printed(statement_for(lending, "balloon_with_fee"))
    assert "如无财政贴息" in html and "已扣除财政贴息" in html
    assert "财政贴息" not in printed(statement_for(lending, "flat_rate"))


def test_what_the_principal_pays_for_besides_the_vehicle_is_named(lending: Lending) -> None:
    extras = (FinancedExtra(name="商业险", amount=486_000), FinancedExtra(name="车辆购置税", amount=699_100))
    html = printed(statement_for(lending, "flat_rate").model_copy(update={"financed_extras": extras}))
    assert "100,000.00 元，其中商业险 4,860.00 元、车辆购置税 6,991.00 元" in html
    assert "¥100,000.00, of which 商业险 ¥4,860.00, 车辆购置税 ¥6,991.00" in html


def test_principal_and_rate_have_their_figure_and_unit_in_both_languages(lending: Lending) -> None:
    html = printed(statement_for(lending, "flat_rate"))
    assert "100,000.00 元" in html and "¥100,000.00" in html
    statement = statement_for(lending, "zero_rate_by_the_maker")
    rate = f"{statement.annual_rate:.2%}"
    assert f"{rate}（{statement.rate_basis.zh}）" in printed(statement)
    assert f"{rate} {statement.rate_basis.en}" in printed(statement)


def test_limits_that_were_not_checked_are_shown_on_the_screen_alone(lending: Lending) -> None:
    statement = statement_for(lending, "flat_rate")
    assert "<aside" not in printed(statement)
    html = page(statement.model_copy(update={"unchecked": (Text(zh="未核对残值", en="no resale value"),)}))
    assert "<li>未核对残值" in html and "@media print { .screen { display: none; }" in html


def test_the_page_loads_nothing_and_is_well_formed(lending: Lending) -> None:
    open_tags: list[str] = []
    loads: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loads.extend(name for name, _ in attrs if name in ("src", "href", "srcset", "action", "style"))
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
    texts = {"name": evil, "standard": evil, "collected_by": evil}
    html = page(
        statement.model_copy(
            update={
                "form": FormEntries.model_construct(
                    **{**dict.fromkeys(FormEntries.model_fields, evil.zh), "date": None, "time": None}
                ),
                "lender": evil,
                "product": evil,
                "repayment": evil,
                "day_count": evil,
                "first_period": evil,
                "items_note": evil,
                "contingent_note": evil,
                "statement": evil,
                "unchecked": (evil,),
                "financed_extras": (FinancedExtra(name=evil.zh, amount=1),),
                "items": tuple(
                    i.model_copy(update={**texts, "collection": evil, "service": evil}) for i in statement.items
                ),
                "contingent": tuple(c.model_copy(update=texts) for c in statement.contingent),
            }
        )
    )
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.browser
def test_the_page_prints_on_one_sheet_of_two_pages(lending: Lending, tmp_path: Path) -> None:
    for case in ("zero_rate_by_the_maker", "deferred", "used_with_guarantee"):  # the longest
        statement = statement_for(lending, case).model_copy(update={"form": ENTRIES})
        (tmp_path / "page.html").write_text(page(statement), encoding="utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        target = tmp_path / "page.pdf"
        arguments = [*command, f"--print-to-pdf={target}", (tmp_path / "page.html").as_uri()]
        subprocess.run(arguments, check=True, capture_output=True, env={**os.environ, "HOME": str(tmp_path)})
        assert len(re.findall(rb"/Type\s*/Page\b", target.read_bytes())) == 2, case
