"""Statement of the total cost of a loan as a printable HTML page without external resources."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ml.bilingual import Text
from ml.loans.disclosure import Disclosure
from ml.loans.disclosure_items import percent, yuan

_STYLE = """
@page { size: A4; margin: 14mm; }
* { box-sizing: border-box; }
body { font: 13px/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  color: #1b1b1b; max-width: 190mm; margin: 8mm auto; padding: 0 6mm; }
h1 { font-size: 20px; margin: 0; }
h2 { font-size: 14px; margin: 18px 0 6px; }
.en { color: #555; font-size: 11px; display: block; font-weight: normal; }
table { width: 100%; border-collapse: collapse; page-break-inside: avoid; }
th, td { border: 1px solid #999; padding: 5px 7px; text-align: left; vertical-align: top; }
th { background: #f1f1f1; font-weight: 600; }
th:first-child, td:first-child { min-width: 6em; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.total td { font-weight: 600; background: #fafafa; }
.rate { border: 2px solid #1b1b1b; padding: 10px 14px; margin: 14px 0; display: flex; justify-content: space-between;
  align-items: center; gap: 20px; }
.rate strong { font-size: 26px; }
.statement { border-left: 4px solid #1b1b1b; padding: 4px 12px; margin: 16px 0; font-weight: 600; }
.signatures { display: flex; gap: 24px; margin-top: 30px; }
.signatures div { flex: 1; border-top: 1px solid #1b1b1b; padding-top: 4px; }
@media print { body { margin: 0; padding: 0; font-size: 11.5px; line-height: 1.4; } .en { font-size: 9.5px; }
  th, td { padding: 3px 6px; } h2 { margin-top: 12px; } .rate { padding: 6px 12px; margin: 10px 0; } }
"""


def page(disclosure: Disclosure) -> str:
    """Return the statement as an HTML document in Chinese with English translations.

    Parameters
    ----------
    disclosure : Disclosure
        As returned by `ml.loans.disclosure.disclose` or `ml.loans.disclosure_endpoint.answer_disclosure`.

    Returns
    -------
    str
        A complete document for A4 paper; all texts are escaped. Amounts are in yuan, rates in percent.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms
    >>> from ml.loans.disclosure_endpoint import answer_disclosure
    >>> terms = LoanTerms(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> html = page(answer_disclosure(read_lending(Path("configs")), terms))
    >>> html.startswith("<!doctype html>"), "¥5,244.05" in html
    (True, True)
    """
    d = disclosure
    sections = [
        "<h1>个人贷款综合融资成本明示表<span class='en'>Statement of the total cost of a personal loan</span></h1>",
        _loan_details(d),
        _heading("正常履约的息费项目", "Costs if all payments are made on time"),
        _items(d),
        _annualised_cost(d),
        _heading("违约或提前还款情形下的或有成本", "Costs of late payment or early settlement"),
        _contingent(d),
        f"<div class='statement'>{_bilingual(d.statement)}</div>",
        _signatures(),
    ]
    return (
        "<!doctype html>\n<html lang='zh-CN'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>个人贷款综合融资成本明示表</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body>\n</html>\n"
    )


def _bilingual(text: Text) -> str:
    return f"{escape(text.zh)}<span class='en'>{escape(text.en)}</span>"


def _heading(zh: str, en: str) -> str:
    return f"<h2>{_bilingual(Text(zh=zh, en=en))}</h2>"


def _table(head: Iterable[Text], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{_bilingual(text)}</th>" for text in head)
    return f"<table>\n<tr>{cells}</tr>\n" + "\n".join(rows) + "\n</table>"


def _number_cell(value: str) -> str:
    return f"<td class='number'>{escape(value)}</td>"


def _cell(text: Text) -> str:
    return f"<td>{_bilingual(text)}</td>"


def _loan_details(d: Disclosure) -> str:
    details = (
        (Text(zh="贷款人", en="Lender"), _bilingual(d.lender)),
        (Text(zh="产品", en="Product"), _bilingual(d.product)),
        (Text(zh="贷款本金", en="Principal"), escape(yuan(d.principal))),
        (Text(zh="期限", en="Term"), _bilingual(Text(zh=f"{d.term_months} 个月", en=f"{d.term_months} months"))),
        (Text(zh="还款方式", en="Repayment"), _bilingual(d.form)),
        (Text(zh="放款日", en="Disbursed on"), escape(str(d.on))),
        (Text(zh="每期还款（最高）", en="Monthly payment (largest)"), escape(yuan(d.monthly_payment))),
        (Text(zh="首期还款日", en="First payment due"), escape(str(d.first_due))),
        (Text(zh="末期还款", en="Last payment"), escape(yuan(d.final_payment))),
        (Text(zh="到期日", en="Maturity"), escape(str(d.maturity))),
    )
    cells = [f"<th>{_bilingual(name)}</th><td>{value}</td>" for name, value in details]
    rows = [f"<tr>{cells[i]}{cells[i + 1]}</tr>" for i in range(0, len(cells), 2)]
    return "<table style='margin-top:12px'>\n" + "\n".join(rows) + "\n</table>"


def _items(d: Disclosure) -> str:
    head = (
        Text(zh="项目", en="Item"),
        Text(zh="收取标准", en="Standard"),
        Text(zh="收取方式", en="Collected"),
        Text(zh="收取主体", en="By"),
        Text(zh="金额", en="Amount"),
        Text(zh="年化水平", en="Annualised"),
    )
    rows = [
        f"<tr>{_cell(i.name)}{_cell(i.standard)}{_cell(i.collection)}{_cell(i.collected_by)}"
        f"{_number_cell(yuan(i.amount))}{_number_cell(f'{i.annualised:.2%}')}</tr>"
        for i in d.items
    ]
    total = Text(zh="息费合计", en="Interest and fees")
    rows.append(
        f"<tr class='total'><td colspan='4'>{_bilingual(total)}</td>{_number_cell(yuan(d.total_cost))}"
        f"{_number_cell(f'{d.annualised_cost:.2%}')}</tr>"
    )
    return _table(head, rows) + _subsidies(d)


def _subsidies(d: Disclosure) -> str:
    parts = [
        Text(zh=f"{s.name.zh} {yuan(s.amount)}", en=f"{s.name.en}: {yuan(s.amount)}") for s in d.subsidies if s.amount
    ]
    if not parts:
        return ""
    zh = "、".join(part.zh for part in parts)
    en = "; ".join(part.en for part in parts)
    note = Text(zh=f"由他方承担、已从上表利息中扣除的贴息：{zh}", en=f"Paid by others, not in the table: {en}")
    return f"<p>{_bilingual(note)}</p>"


def _annualised_cost(d: Disclosure) -> str:
    name = Text(
        zh="年化综合融资成本（单利）",
        en="Annualised total cost: 12 x monthly internal rate on the outstanding principal",
    )
    rest = Text(
        zh=f"复利折算 {d.effective_cost:.2%}；本金与息费总额 {yuan(d.total_payment)}",
        en=f"{d.effective_cost:.2%} compounded; principal and costs {yuan(d.total_payment)}",
    )
    box = (
        f"<div class='rate'><div>{_bilingual(name)}</div><strong>{d.annualised_cost:.2%}</strong>"
        f"<div>{_bilingual(rest)}</div></div>"
    )
    if d.implied_cost is None:
        return box
    discount, implied = yuan(d.forgone_discount), f"{d.implied_cost:.2%}"
    note = Text(
        zh=f"提示：选择本产品将不再享受现金优惠 {discount}；计入该优惠后，折合年化成本 {implied}。",
        en=f"Note: this product excludes a cash discount of {discount}; with it, the annualised cost is {implied}.",
    )
    return f"{box}\n<p>{_bilingual(note)}</p>"


def _contingent(d: Disclosure) -> str:
    head = (
        Text(zh="项目", en="Item"),
        Text(zh="收取标准", en="Standard"),
        Text(zh="收取主体", en="By"),
        Text(zh="年化水平", en="Annualised"),
    )
    rows = [
        f"<tr>{_cell(c.name)}{_cell(c.standard)}{_cell(c.collected_by)}"
        f"{_number_cell('—' if c.annualised is None else percent(c.annualised))}</tr>"
        for c in d.contingent
    ]
    return _table(head, rows)


def _signatures() -> str:
    confirmed = Text(
        zh="本人已阅读并知悉上述综合融资成本。",
        en="I have read this statement and understand the total cost of the loan.",
    )
    lines = (Text(zh="借款人签字", en="Borrower"), Text(zh="日期", en="Date"))
    return (
        f"<p>{_bilingual(confirmed)}</p>\n<div class='signatures'>"
        + "".join(f"<div>{_bilingual(x)}</div>" for x in lines)
        + "</div>"
    )
