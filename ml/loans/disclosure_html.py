"""Statement of the total cost of a loan as a page to print: A4, black on white, no scripts or external resources."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ml.bilingual import Text
from ml.loans.disclosure import Disclosure
from ml.loans.disclosure_items import CostItem
from ml.loans.disclosure_payments import Part, PaymentGroup
from ml.loans.disclosure_texts import amount, day_text, money, percent, yearly

_STYLE = """
@page { size: A4; margin: 10mm 12mm 13mm;
  @bottom-left { content: "个人贷款综合融资成本明示表"; font-size: 8pt; }
  @bottom-right { content: "第 " counter(page) " 页，共 " counter(pages) " 页  Page " counter(page)
    " of " counter(pages); font-size: 8pt; } }
* { box-sizing: border-box; }
body { font: 13px/1.4 system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC",
  "WenQuanYi Micro Hei", sans-serif; font-variant-numeric: tabular-nums; color: #000; background: #fff;
  max-width: 210mm; margin: 8mm auto; padding: 0 4mm; }
header { display: flex; justify-content: space-between; align-items: flex-end; gap: 16px; margin-bottom: 8px; }
h1 { font-size: 20px; line-height: 1.2; margin: 0; }
p { margin: 3px 0 0; }
.en { display: block; font-size: 10.5px; line-height: 1.25; font-weight: 400; color: #333; }
.small { font-size: 11px; }
table { width: calc(100% - 1px); border-collapse: collapse; }
caption { text-align: left; font-weight: 700; padding: 8px 0 3px; }
caption .en { display: inline; margin-left: 6px; }
table, tr { break-inside: avoid; } tfoot { display: table-row-group; }
th, td { border: 1px solid #555; padding: 3px 6px; text-align: left; vertical-align: top; font-weight: 400; }
thead th, tbody th { font-weight: 700; }
.pairs { table-layout: fixed; }
.pairs th { width: 17%; } .pairs td { width: 33%; }
.pairs td { vertical-align: middle; }
.items, .payments, .contingent { table-layout: fixed; }
.items th:nth-child(1) { width: 14%; } .items th:nth-child(3) { width: 17%; } .items th:nth-child(4) { width: 15%; }
.items th:nth-child(5) { width: 12%; } .items th:nth-child(6) { width: 10%; }
.payments th:nth-child(1) { width: 22%; } .payments th:nth-child(2) { width: 36%; }
.payments th:nth-child(4) { width: 19%; }
.contingent th:nth-child(1) { width: 18%; } .contingent th:nth-child(3) { width: 20%; }
.contingent th:nth-child(4) { width: 11%; }
.number { text-align: right; white-space: nowrap; }
tfoot th, tfoot td { border-top-width: 2px; font-weight: 700; }
.rates { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); margin-top: 8px;
  border: 2px solid #000; break-inside: avoid; }
.rates > div { padding: 5px 10px; } .rates > div + div { border-left: 1px solid #555; }
.rates strong { display: block; font-size: 17px; line-height: 1.3; } .rates > :first-child strong { font-size: 24px; }
.statement { border: 2px solid #000; padding: 5px 10px; margin: 8px 0 6px; font-weight: 700; }
.end { break-inside: avoid; }
.signatures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 22px 24px; margin-top: 6px; }
.signatures:has(:nth-child(4)) { grid-template-columns: repeat(2, 1fr); }
.signatures div { border-bottom: 1px solid #000; padding-bottom: 1px; min-height: 40px; display: flex;
  align-items: flex-end; } .signatures .en { display: inline; margin-left: 6px; }
.screen { border: 1px dashed #000; padding: 5px 10px; margin-bottom: 12px; } .screen ul { margin: 3px 0 0 18px;
  padding: 0; }
@media (max-width: 640px) { body { padding: 0 8px; } table { display: block; overflow-x: auto; }
  .rates { grid-auto-flow: row; } .rates > div + div { border-left: 0; border-top: 1px solid #555; } }
@media print { .screen { display: none; }
  body { font-size: 9pt; line-height: 1.28; max-width: none; margin: 0; padding: 0; }
  .en { font-size: 7pt; line-height: 1.2; } .small { font-size: 7.6pt; } th, td { padding: 1.5px 5px; }
  caption { padding-top: 6px; } h1 { font-size: 15pt; } }
"""
_PARTS: dict[Part, Text] = {
    "deferred": Text(zh="延期期间", en="deferred"),
    "regular": Text(zh="各期还款", en="instalments"),
    "last": Text(zh="末期还款", en="last payment"),
}


def page(disclosure: Disclosure) -> str:
    """Return the statement as an HTML document in Chinese with English translations.

    Parameters
    ----------
    disclosure : Disclosure
        As returned by `ml.loans.disclosure.disclose` or `ml.loans.disclosure_endpoint.answer_disclosure`.

    Returns
    -------
    str
        A complete document for A4 paper; all texts are escaped. Amounts are in yuan, rates in percent. An entry of
        `form` that is None is an empty cell to fill in by hand.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.disclosure_endpoint import answer_disclosure
    >>> from ml.loans.disclosure_form import DisclosureRequest
    >>> from ml.loans.endpoints import read_lending
    >>> request = DisclosureRequest(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36
    ... )
    >>> html = page(answer_disclosure(read_lending(Path("configs")), request))
    >>> html.startswith("<!doctype html>"), "¥5,244.05" in html
    (True, True)
    """
    d = disclosure
    sections = (
        _unchecked(d),
        _header(d),
        _entries(d),
        _loan(d),
        _rates(d),
        _items(d),
        _payments(d),
        _contingent(d),
        _end(d),
    )
    return (
        "<!doctype html>\n<html lang='zh-CN'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>个人贷款综合融资成本明示表</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body>\n</html>\n"
    )


def _both(text: Text) -> str:
    return f"{escape(text.zh)}<span class='en' lang='en'>{escape(text.en)}</span>"


def _words(zh: str, en: str) -> str:
    return _both(Text(zh=zh, en=en))


def _table(
    name: str, caption: str, head: Iterable[str], rows: Iterable[str], *, foot: str = "", numbers: int = 1
) -> str:
    """Return a table; the last `numbers` columns are right-aligned."""
    names = tuple(head)
    kinds = ["" if i < len(names) - numbers else " class='number'" for i in range(len(names))]
    cells = "".join(f"<th scope='col'{kind}>{text}</th>" for kind, text in zip(kinds, names, strict=True))
    end = f"\n<tfoot>\n{foot}\n</tfoot>" if foot else ""
    body = "\n".join(rows)
    return (
        f"<table class='{name}'>\n<caption>{caption}</caption>\n<thead>\n<tr>{cells}</tr>\n</thead>\n"
        f"<tbody>\n{body}\n</tbody>{end}\n</table>"
    )


def _cells(*texts: str, numbers: Iterable[str] = ()) -> str:
    name, *rest = texts
    return (
        f"<th scope='row'>{name}</th>"
        + "".join(f"<td>{text}</td>" for text in rest)
        + "".join(f"<td class='number'>{escape(number)}</td>" for number in numbers)
    )


def _pairs(caption: str, pairs: Iterable[tuple[str, str]], *, wide: Iterable[tuple[str, str]] = ()) -> str:
    """Return a table with two entries in a row; each of `wide` has a row of its own."""
    cells = [f"<th scope='row'>{name}</th><td>{value}</td>" for name, value in pairs]
    rows = "\n".join(f"<tr>{cells[i]}{cells[i + 1]}</tr>" for i in range(0, len(cells), 2))
    rows += "".join(f"\n<tr><th scope='row'>{name}</th><td colspan='3'>{value}</td></tr>" for name, value in wide)
    return f"<table class='pairs'>\n<caption>{caption}</caption>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _unchecked(d: Disclosure) -> str:
    """Return what the person who prepares the form has to check before printing; paper does not show it."""
    if not d.unchecked:
        return ""
    rows = "\n".join(f"<li>{_both(text)}</li>" for text in d.unchecked)
    head = _words("打印前请核对（不打印本栏）", "To check before printing (not printed)")
    return f"<aside class='screen'>\n<p>{head}</p>\n<ul>\n{rows}\n</ul>\n</aside>"


def _header(d: Disclosure) -> str:
    return (
        f"<header>\n<h1>{_words('个人贷款综合融资成本明示表', 'Statement of the total cost of a personal loan')}</h1>\n"
        f"<div class='small'>{_words(f'表单版本 {d.form.version}', f'Form version {d.form.version}')}</div>\n</header>"
    )


def _entries(d: Disclosure) -> str:
    form = d.form
    time = "" if form.time is None else form.time.strftime("%H:%M")
    issued = escape(time)
    if form.date is not None:
        day = day_text(form.date)
        issued = _words(f"{day.zh} {time}".rstrip(), f"{day.en} {time}".rstrip())
    entries = [
        (_words("借款人", "Borrower"), escape(form.borrower or "")),
        (_words("证件号码", "Identity document"), escape(form.borrower_id or "")),
        (_words("车辆", "Vehicle"), escape(form.vehicle or "")),
        (_words("车架号", "VIN"), escape(form.vin or "")),
        (_words("合同编号", "Contract number"), escape(form.contract_number or "")),
        (_words("门店", "Store"), escape(form.store or "")),
        (_words("经办人", "Prepared by"), escape(form.prepared_by or "")),
        (_words("出具时间", "Issued"), issued),
    ]
    if form.co_borrower is not None:
        entries[2:2] = [
            (_words("共同借款人", "Co-borrower"), escape(form.co_borrower)),
            (_words("证件号码", "Identity document"), escape(form.co_borrower_id or "")),
        ]
    return _pairs(_words("当事人与车辆", "Persons and vehicle"), entries)


def _loan(d: Disclosure) -> str:
    rate = Text(
        zh=f"{percent(d.annual_rate)}（{d.rate_basis.zh}）；{d.day_count.zh}",
        en=f"{percent(d.annual_rate)} {d.rate_basis.en}; {d.day_count.en}",
    )
    if d.first_period is not None:
        rate = Text(zh=f"{rate.zh}；{d.first_period.zh}", en=f"{rate.en}; {d.first_period.en}")
    details = (
        (_words("贷款人", "Lender"), _both(d.lender)),
        (_words("产品", "Product"), _both(d.product)),
        (_words("贷款本金", "Principal"), _principal(d)),
        (_words("期限", "Term"), _words(f"{d.term_months} 期（月）", f"{d.term_months} months")),
        (_words("放款日", "Disbursed on"), _both(day_text(d.on))),
        (_words("到期日", "Maturity"), _both(day_text(d.maturity))),
        (_words("还款方式", "Repayment"), _both(d.repayment)),
        (_words("首次还款日", "First payment due"), _both(day_text(d.first_due))),
    )
    return _pairs(
        _words("贷款", "Loan"), details, wide=[(_words("合同年利率、计息", "Contract rate a year"), _both(rate))]
    )


def _principal(d: Disclosure) -> str:
    if not d.financed_extras:
        return _both(money(d.principal))
    parts = [(extra.name, money(extra.amount)) for extra in d.financed_extras]
    return _words(
        f"{money(d.principal).zh}，其中" + "、".join(f"{name} {part.zh}" for name, part in parts),
        f"{money(d.principal).en}, of which " + ", ".join(f"{name} {part.en}" for name, part in parts),
    )


def _payments(d: Disclosure) -> str:
    rows = [f"<tr>{_payment(group)}</tr>" for group in d.payments.groups]
    if d.payments.at_disbursement:
        name, start = _words("放款时", "at disbursement"), _both(day_text(d.on))
        note = _words("一次性费用", "fees")
        rows.insert(0, f"<tr>{_cells(name, start, note, numbers=[amount(d.payments.at_disbursement)])}</tr>")
    number, count = d.payments.largest_number, d.payments.largest_count
    zh, en = ("", "") if count == 1 else (f"等 {count} 期", f" and {count - 1} more")
    largest = _words(f"全部还款中最高一期：第 {number} 期{zh}", f"Largest of all payments: no. {number}{en}")
    total = _words("本金与息费总额", "Principal, interest and fees")
    foot = (
        f"<tr><th scope='row' colspan='3'>{largest}</th><td class='number'>{amount(d.payments.largest)}</td></tr>\n"
        f"<tr><th scope='row' colspan='3'>{total}</th><td class='number'>{amount(d.payments.total)}</td></tr>"
    )
    head = (
        _words("期次", "No."),
        _words("还款日", "Due"),
        _words("说明", "Note"),
        _words("每期金额（元）", "Each, yuan"),
    )
    return _table("payments", _words("还款", "Payments"), head, rows, foot=foot)


def _payment(group: PaymentGroup) -> str:
    part, one = _PARTS[group.part], group.first == group.last
    numbers = f"第 {group.first} 期" if one else f"第 {group.first}～{group.last} 期"
    span = f"no. {group.first}" if one else f"no. {group.first} to {group.last}"
    name = _words(f"{part.zh}：{numbers}", f"{part.en}: {span}")
    first, last = day_text(group.first_due), day_text(group.last_due)
    due = _both(first) if one else _words(f"{first.zh}～{last.zh}", f"{first.en} to {last.en}, monthly")
    paid = amount(group.highest)
    if group.lowest != group.highest:
        paid = f"{amount(group.lowest)}～{amount(group.highest)}"
    return _cells(name, due, _both(group.note) if group.note else "", numbers=[paid])


def _items(d: Disclosure) -> str:
    head = (
        _words("项目", "Item"),
        _words("收取标准", "Standard"),
        _words("收取方式", "Collected"),
        _words("收取主体", "By"),
        _words("金额（元）", "Amount, yuan"),
        _words("年化水平", "Annualised"),
    )
    rows = [
        f"<tr>{_cells(*texts, numbers=(amount(i.amount), yearly(i.annualised)))}</tr>"
        for i in d.items
        for texts in [(_both(i.name), _standard(i), _both(i.collection), _both(i.collected_by))]
    ]
    total = (
        f"<tr><th scope='row' colspan='4'>{_words('息费合计', 'Interest and fees')}</th>"
        f"<td class='number'>{amount(d.total_cost)}</td><td class='number'>{yearly(d.annualised_cost)}</td></tr>"
    )
    notes = [] if d.items_note is None else [d.items_note]
    notes += [
        Text(
            zh=f"{s.name.zh} {money(s.amount).zh}（{day_text(s.first_due).zh}至 {day_text(s.last_due).zh}各期的利息），"
            "已从上表利息中扣除。",
            en=f"{s.name.en[0].upper()}{s.name.en[1:]}: {money(s.amount).en} on the interest of "
            f"{day_text(s.first_due).en} to {day_text(s.last_due).en}, deducted from the interest above.",
        )
        for s in d.subsidies
    ]
    caption = _words("正常履约的息费项目", "Costs if all payments are made on time")
    return _table("items", caption, head, rows, foot=total, numbers=2) + "".join(
        f"\n<p class='small'>{_both(note)}</p>" for note in notes
    )


def _standard(item: CostItem) -> str:
    if item.service is None:
        return _both(item.standard)
    return _words(f"{item.standard.zh}；服务内容：{item.service.zh}", f"{item.standard.en}; service: {item.service.en}")


def _rates(d: Disclosure) -> str:
    cost = money(d.total_cost)
    name = Text(zh="年化综合融资成本（单利）", en="Annualised total cost: 12 x monthly internal rate")
    if d.without_state_subsidy is not None:
        name = Text(zh="年化综合融资成本（单利，已扣除财政贴息）", en=f"{name.en}, after state subsidy")
    boxes: list[tuple[Text, float | None, Text]] = [
        (
            name,
            d.annualised_cost,
            Text(
                zh=f"息费合计 {cost.zh}；复利折算 {yearly(d.effective_cost)}",
                en=f"interest and fees {cost.en}; compounded {yearly(d.effective_cost)}",
            ),
        )
    ]
    if d.without_state_subsidy is not None:
        full = d.without_state_subsidy
        cost = money(full.total_cost)
        boxes.append(
            (
                Text(zh="如无财政贴息", en="Without the state subsidy"),
                full.annualised_cost,
                Text(
                    zh=f"息费合计 {cost.zh}；贴息以政策和审核为准，停止后由借款人承担",
                    en=f"interest and fees {cost.en}; the subsidy depends on the state's programme, and the borrower "
                    "pays if it ends",
                ),
            )
        )
    if d.forgone_discount:
        discount = money(d.forgone_discount)
        boxes.append(
            (
                Text(zh="计入放弃的现金优惠", en="With the cash discount that is lost"),
                d.implied_cost,
                Text(
                    zh=f"选择本产品不再享受现金优惠 {discount.zh}；该优惠不是贷款息费",
                    en=f"this product excludes a cash discount of {discount.en}, which is no charge of the loan",
                ),
            )
        )
    cells = "\n".join(
        f"<div>{_both(name)}<strong>{figure}</strong><span class='small'>{_both(note)}</span></div>"
        for name, rate, note in boxes
        for figure in ["—" if rate is None else yearly(rate)]
    )
    return f"<div class='rates'>\n{cells}\n</div>"


def _contingent(d: Disclosure) -> str:
    head = (
        _words("项目", "Item"),
        _words("收取标准", "Standard"),
        _words("收取主体", "By"),
        _words("年化水平", "Annualised"),
    )
    rows = [
        f"<tr>{_cells(_both(c.name), _both(c.standard), by, numbers=[rate])}</tr>"
        for c in d.contingent
        for by in [_both(c.collected_by) if c.collected_by else "—"]
        for rate in ["—" if c.annualised is None else percent(c.annualised)]
    ]
    caption = _words("违约或提前还款等情形下的或有成本", "Costs of default, early settlement and other stated events")
    note = "" if d.contingent_note is None else f"\n<p class='small'>{_both(d.contingent_note)}</p>"
    return _table("contingent", caption, head, rows) + note


def _end(d: Disclosure) -> str:
    number = d.form.contract_number
    zh, en = ("", "") if number is None else (f"（合同编号 {number}）", f" (contract {number})")
    confirmed = _words(
        f"本人已阅读并知悉上述综合融资成本{zh}。",
        f"I have read this statement and understand the total cost of the loan{en}.",
    )
    lines = [_words("借款人签字：", "Borrower")]
    if d.form.co_borrower is not None:
        lines.append(_words("共同借款人签字：", "Co-borrower"))
    lines += [_words("经办人签字：", "Prepared by"), _words("日期：", "Date")]
    signatures = "".join(f"<div>{line}</div>" for line in lines)
    return (
        f"<section class='end'>\n<div class='statement'>{_both(d.statement)}</div>\n<p>{confirmed}</p>\n"
        f"<div class='signatures'>{signatures}</div>\n</section>"
    )
