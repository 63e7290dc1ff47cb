"""Minimal workbooks for tests, written without a library."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STYLES = (
    f"<styleSheet {_NAMESPACE}><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>"
    '<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="20"/>'
    "</cellXfs>"
    "</styleSheet>"
)


class CellError(str):
    """A cell with an error, such as CellError("#N/A")."""


def write_workbook(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    hidden: Collection[str] = (),
    merged: str | None = None,
) -> Path:
    """Write an xlsx file; None is no cell, an empty row leaves a blank one."""
    names = "".join(
        f'<sheet name="{escape(n)}" sheetId="{i}" state="{"hidden" if n in hidden else "visible"}" r:id="rId{i}"/>'
        for i, n in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{i}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{_RELATION}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook {_NAMESPACE} xmlns:r="{_RELATION}"><sheets>{names}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{relations}<Relationship Id="styles" '
            f'Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>',
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for i, rows in enumerate(sheets.values(), 1):
            merge = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
            data = "".join(_row(n, row) for n, row in enumerate(rows, 1) if row)
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f"<worksheet {_NAMESPACE}><sheetData>{data}</sheetData>{merge}</worksheet>",
            )
    return path


def _row(number: int, cells: Sequence[Any]) -> str:
    content = "".join(_cell(f"{chr(64 + k)}{number}", v) for k, v in enumerate(cells, 1) if v is not None)
    return f'<row r="{number}">{content}</row>'


def _cell(reference: str, value: Any) -> str:
    if isinstance(value, CellError):
        return f'<c r="{reference}" t="e"><f>1/0</f><v>{value}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime | date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        serial = (moment - datetime(1899, 12, 30)).total_seconds() / 86_400
        return f'<c r="{reference}" s="{2 if isinstance(value, datetime) else 1}"><v>{serial!r}</v></c>'
    if isinstance(value, time):
        return f'<c r="{reference}" s="3"><v>{(value.hour * 60 + value.minute) / 1440!r}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{reference}"><f>{value}+0</f><v>{value!r}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
