"""Purchase orders as a supplier receives them: a workbook with one sheet to print for each order."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from serving.desk.catalogue import Language
from serving.desk.formats import format_month

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDTHS = (6, 34, 14, 12, 16, 18)
FIRST_LINE = 8  # row of the first model, counted from 0


def purchase_workbook(
    orders: Sequence[Mapping[str, Any]], language: Language, text: Callable[..., str], zone: tzinfo
) -> bytes:
    """Return an XLSX file with a sheet for each purchase order.

    Parameters
    ----------
    orders : sequence of mapping
        Rows of `/v1/inventory/purchase_orders`.
    language : {'zh', 'en'}
        Language of the words.
    text : callable
        ``(key, **values) -> str``: text of the catalogue.
    zone : tzinfo
        Time zone of the dealership.
    """
    file = io.BytesIO()
    # Names of models are data: none may become a formula or a link.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    for order in orders:
        _write_order(book, order, language, text, zone)
    book.close()
    return file.getvalue()


def _write_order(
    book: Any, order: Mapping[str, Any], language: Language, text: Callable[..., str], zone: tzinfo
) -> None:
    title, bold, cell, number, money, total, line = (
        book.add_format(f)
        for f in (
            {"bold": True, "font_size": 16, "align": "center"},
            {"bold": True},
            {"border": 1, "text_wrap": True, "valign": "vcenter"},
            {"border": 1, "num_format": "#,##0"},
            {"border": 1, "num_format": "#,##0.00"},
            {"border": 1, "bold": True, "num_format": "#,##0"},
            {"top": 1},
        )
    )
    head = book.add_format({"bold": True, "border": 1, "bg_color": "#EEEEEE", "text_wrap": True, "valign": "vcenter"})
    sheet = book.add_worksheet(_sheet_name(order["number"]))
    for i, width in enumerate(WIDTHS):
        sheet.set_column(i, i, width)
    sheet.merge_range(0, 0, 0, 5, text("stock.order.title"), title)
    facts = [
        ("number", order["number"], "day", f"{datetime.fromisoformat(order['at']).astimezone(zone):%Y-%m-%d}"),
        ("supplier", order["supplier"] or "", "store", order["store_id"]),
        ("month", format_month(order["month"], language), "arrives", order["arrives"]),
        ("person", order["person"] or "", "currency", text("stock.order.cny")),
    ]
    for row, (left, left_value, right, right_value) in enumerate(facts, start=2):
        sheet.write_string(row, 0, text(f"stock.order.{left}"), bold)
        sheet.write_string(row, 1, f"  {left_value}" if left == "number" else str(left_value))
        sheet.write_string(row, 3, text(f"stock.order.{right}"), bold)
        sheet.write_string(row, 4, str(right_value))
    for column, key in enumerate(("place", "model", "month", "quantity", "unit_cost", "cost")):
        sheet.write_string(FIRST_LINE - 1, column, text(f"stock.order.{key}"), head)
    month = format_month(order["month"], language)
    for place, row in enumerate(order["lines"], start=1):
        at = FIRST_LINE + place - 1
        sheet.write_number(at, 0, place, number)
        sheet.write_string(at, 1, row["model"], cell)
        sheet.write_string(at, 2, month, cell)
        sheet.write_number(at, 3, row["quantity"], number)
        if row["unit_cost"] is None:
            sheet.write_blank(at, 4, None, money)
        else:
            sheet.write_number(at, 4, row["unit_cost"], money)
        sheet.write_number(at, 5, row["cost"], money)
    end = FIRST_LINE + len(order["lines"])
    sheet.write_string(end, 1, text("stock.order.total"), total)
    sheet.write_blank(end, 0, None, total)
    sheet.write_blank(end, 2, None, total)
    sheet.write_number(end, 3, order["vehicles"], total)
    sheet.write_blank(end, 4, None, total)
    sheet.write_number(end, 5, order["cost"], book.add_format({"border": 1, "bold": True, "num_format": "#,##0.00"}))
    for column, key in ((0, "buyer"), (3, "seller")):
        sheet.write_string(end + 4, column, text(f"stock.order.{key}"), line)
        for i in (1, 2):
            sheet.write_blank(end + 4, column + i, None, line)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{order['number'].replace('&', '&&')}&R&P / &N")
    sheet.set_portrait()


def _sheet_name(number: str) -> str:
    return "".join(c for c in number if c not in "[]:*?/\\'")[-31:] or "1"
