"""The statement of what a loan costs as one printable page that loads nothing from outside."""

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
    """Render the statement as HTML: Chinese, with English beside it.

    Parameters
    ----------
    disclosure : Disclosure

    Returns
    -------
    str
        A whole document; every text is escaped.
    """
    d = disclosure
    sections = [
        "<h1>个人贷款综合融资成本明示表<span class='en'>Statement of the total cost of a personal loan</span></h1>",
        _facts(d),
        _heading("正常履约的息费项目", "Costs when the loan is kept to"),
        _items(d),
        _rate(d),
        _heading("违约或提前还款情形下的或有成本", "Contingent costs"),
        _contingent(d),
        f"<div class='statement'>{_both(d.statement)}</div>",
        _signatures(),
    ]
    return (
        "<!doctype html>\n<html lang='zh-CN'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>个人贷款综合融资成本明示表</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body>\n</html>\n"
    )


def _both(text: Text) -> str:
    return f"{escape(text.zh)}<span class='en'>{escape(text.en)}</span>"


def _heading(zh: str, en: str) -> str:
    return f"<h2>{_both(Text(zh=zh, en=en))}</h2>"


def _table(head: Iterable[Text], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{_both(text)}</th>" for text in head)
    return f"<table>\n<tr>{cells}</tr>\n" + "\n".join(rows) + "\n</table>"


def _number(value: str) -> str:
    return f"<td class='number'>{escape(value)}</td>"


def _cell(text: Text) -> str:
    return f"<td>{_both(text)}</td>"


def _facts(d: Disclosure) -> str:
    facts = (
        (Text(zh="贷款人", en="Lender"), _both(d.lender)),
        (Text(zh="产品", en="Product"), _both(d.product)),
        (Text(zh="贷款本金", en="Principal"), escape(yuan(d.principal))),
        (Text(zh="期限", en="Term"), _both(Text(zh=f"{d.term_months} 个月", en=f"{d.term_months} months"))),
        (Text(zh="还款方式", en="Repayment"), _both(d.form)),
        (Text(zh="放款日", en="Disbursed"), escape(str(d.on))),
        (Text(zh="每期还款（最高）", en="Monthly payment (largest)"), escape(yuan(d.monthly_payment))),
        (Text(zh="首期还款日", en="First due"), escape(str(d.first_due))),
        (Text(zh="末期还款", en="Last payment"), escape(yuan(d.final_payment))),
        (Text(zh="到期日", en="Maturity"), escape(str(d.maturity))),
    )
    cells = [f"<th>{_both(name)}</th><td>{value}</td>" for name, value in facts]
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
        f"{_number(yuan(i.amount))}{_number(f'{i.annualised:.2%}')}</tr>"
        for i in d.items
    ]
    total = Text(zh="息费合计", en="All costs")
    rows.append(
        f"<tr class='total'><td colspan='4'>{_both(total)}</td>{_number(yuan(d.total_cost))}"
        f"{_number(f'{d.annualised_cost:.2%}')}</tr>"
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
    note = Text(zh=f"由他方承担、已从上表利息中扣除：{zh}", en=f"Paid by others and not in the table: {en}")
    return f"<p>{_both(note)}</p>"


def _rate(d: Disclosure) -> str:
    name = Text(
        zh="年化综合融资成本（单利）",
        en="Total annualised cost: 12 x monthly internal rate over the principal outstanding",
    )
    rest = Text(
        zh=f"复利折算 {d.effective_cost:.2%}；本金与息费总额 {yuan(d.total_payment)}",
        en=f"with compounding {d.effective_cost:.2%}; principal and costs {yuan(d.total_payment)}",
    )
    box = (
        f"<div class='rate'><div>{_both(name)}</div><strong>{d.annualised_cost:.2%}</strong>"
        f"<div>{_both(rest)}</div></div>"
    )
    if d.implied_cost is None:
        return box
    given_up, implied = yuan(d.forgone_discount), f"{d.implied_cost:.2%}"
    note = Text(
        zh=f"提示：选择本产品将放弃现金优惠 {given_up}；计入后折合年化 {implied}。",
        en=f"Note: this product gives up a cash discount of {given_up}; with it the cost is {implied} a year.",
    )
    return f"{box}\n<p>{_both(note)}</p>"


def _contingent(d: Disclosure) -> str:
    head = (
        Text(zh="项目", en="Item"),
        Text(zh="收取标准", en="Standard"),
        Text(zh="收取主体", en="By"),
        Text(zh="年化水平", en="Annualised"),
    )
    rows = [
        f"<tr>{_cell(c.name)}{_cell(c.standard)}{_cell(c.collected_by)}"
        f"{_number('—' if c.annualised is None else percent(c.annualised))}</tr>"
        for c in d.contingent
    ]
    return _table(head, rows)


def _signatures() -> str:
    confirmed = Text(
        zh="本人已阅读并知悉上述综合融资成本。", en="I have read this statement and know what the loan costs."
    )
    lines = (Text(zh="借款人签字", en="Borrower"), Text(zh="日期", en="Date"))
    return (
        f"<p>{_both(confirmed)}</p>\n<div class='signatures'>"
        + "".join(f"<div>{_both(x)}</div>" for x in lines)
        + "</div>"
    )
