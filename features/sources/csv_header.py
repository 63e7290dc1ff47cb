"""Find the header of a CSV file: its line `sep=`, lines of a title above it, its separator and its column names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from features.errors import DataError

MAX_TITLE_LINES = 50
_CHECKED_LINES = 100
_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'^"?sep=([^\w\s"]|\t)"?[;,\t|]*\s*$', re.IGNORECASE)
_BLANKS = " \t\u00a0\ufeff\u3000\r\n\x00"


@dataclass(frozen=True)
class Header:
    """Header of a CSV file; returned by `find_header`.

    Attributes
    ----------
    names : tuple of str
        Different names of the fields, without surrounding blanks. A blank cell is "column 3", the second `price` is
        "price (2)".
    n_required : int
        Number of fields up to the last one with a name: a line may end there.
    separator : str
        Character between fields.
    line : int
        Number of the header's first line, from 1.
    n_lines : int
        Number of lines up to the end of the header.
    notes : tuple of str
        Sentences on what was recognised.
    """

    names: tuple[str, ...]
    n_required: int
    separator: str
    line: int
    n_lines: int
    notes: tuple[str, ...]


def split_lines(text: str) -> list[str]:
    """Return the lines of a text that ends them by LF, CR LF or CR.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        Without line ends.

    Examples
    --------
    >>> split_lines("a,b\\r\\n1,2\\r\\n"), split_lines("a,b\\r1,2")
    (['a,b', '1,2'], ['a,b', '1,2'])
    """
    if ends_with_cr(text):
        return text.replace("\r\n", "\r").replace("\n", "\r").removesuffix("\r").split("\r")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def ends_with_cr(text: str) -> bool:
    """Return whether most lines of a text end by CR alone.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> ends_with_cr("a,b\\r1,2\\r"), ends_with_cr("a,b\\r\\n1,2\\r\\n")
    (True, False)
    """
    crlf = text.count("\r\n")
    return text.count("\r") - crlf > text.count("\n")


def find_header(
    text: str,
    *,
    separator: str | None,
    skip_rows: int | None,
    names: Collection[str],
    mapped: Collection[str],
    where: str,
) -> Header:
    """Find the header in the beginning of a CSV file.

    The first line that is not blank is the header, unless more names of the table stand in a later line, or unless it
    is one cell above lines of several.

    Parameters
    ----------
    text : str
        Complete lines at the beginning of the file, decoded.
    separator : str or None
        Character between fields; None for that of the line `sep=`, or else a comma.
    skip_rows : int or None
        Number of lines above the header; None recognises lines of a title.
    names : collection of str
        Names that the header may have: the contract's columns and `mapped`.
    mapped : collection of str
        Names of source columns in sources.yaml.
    where : str
        Name of the source, for error messages.

    Returns
    -------
    Header

    Raises
    ------
    DataError
        There is no header line, or another separator gives the names.

    Examples
    --------
    >>> options = {"separator": None, "skip_rows": None, "where": "leads"}
    >>> header = find_header("Report\\n\\nid,price\\nL1,5\\n", names=["id", "price"], mapped=["id"], **options)
    >>> header.names, header.line
    (('id', 'price'), 3)
    >>> header.notes
    ('2 lines above the header are left out: `skip_rows: 2` confirms this',)
    """
    lines = split_lines(text)
    notes: list[str] = []
    start, declared = _separator_line(lines, skip_rows or 0)
    if declared is not None and separator is not None and declared != separator:
        notes.append(f"`separator: {separator!r}` takes precedence over the file's first line, `sep={declared}`")
    used = separator or declared or ","
    if all(not line.strip(_BLANKS) for line in lines[start:]):
        if any(line.strip(_BLANKS) for line in lines[:start]) and skip_rows:
            raise DataError(f"{where}: `skip_rows: {skip_rows}` leaves no line of the header: correct it")
        raise DataError(f"{where}: the file is empty, without a header line: export it again")
    index, cells, n_lines = _header_line(lines, start, used, skip_rows, names)
    if separator is None or not count_names(cells, names):
        _check_separator(lines, start, used, skip_rows=skip_rows, names=names, cells=cells, where=where)
    if skip_rows is not None and not count_names(cells, names):
        other, _, _ = _header_line(lines, 0, used, None, names)
        if count_names(_record(lines, other, used)[0], names):
            raise DataError(
                f"{where}: line {index + 1} has none of the table's columns, line {other + 1} has: set "
                f"`skip_rows: {other}`, or remove it"
            )
    n_titles = index - start
    if skip_rows is None and any(line.strip(_BLANKS) for line in lines[start:index]):
        plural = "lines above the header are" if n_titles > 1 else "line above the header is"
        notes.append(f"{n_titles} {plural} left out: `skip_rows: {index}` confirms this")
    unique = unique_names(cells, mapped)
    notes += repetitions(cells)
    n_required = max((i for i, c in enumerate(cells, 1) if c.strip(_BLANKS)), default=1)
    return Header(unique, n_required, used, index + 1, index + n_lines, tuple(notes))


def _separator_line(lines: Sequence[str], skip_rows: int) -> tuple[int, str | None]:
    """Return the number of lines before the search begins, and the separator of a line `sep=`."""
    for index in (0, skip_rows):
        match = _SEPARATOR_LINE.match(lines[index].lstrip("\ufeff")) if index < len(lines) else None
        if match:
            return max(skip_rows, index + 1), match.group(1)
    return skip_rows, None


def _header_line(
    lines: Sequence[str], start: int, separator: str, skip_rows: int | None, names: Collection[str]
) -> tuple[int, list[str], int]:
    """Return index, cells and number of lines of the header."""
    filled = [i for i in range(start, min(len(lines), start + MAX_TITLE_LINES)) if lines[i].strip(_BLANKS)]
    if not filled:
        filled = [next(i for i in range(start, len(lines)) if lines[i].strip(_BLANKS))]
    first = filled[0]
    record = _record(lines, first, separator)
    if skip_rows is not None:
        return first, *record
    records = {i: _record(lines, i, separator) for i in filled}
    best = max(filled, key=lambda i: (count_names(records[i][0], names), -i))
    if is_header(records[best][0], above=record[0], names=names):
        return best, *records[best]
    if len(record[0]) == 1 and not count_names(record[0], names):
        # One cell above lines of several cells is no header: every line would have too many fields.
        widths = [len(records[i][0]) for i in filled]
        wide = next((k for k, w in enumerate(widths) if w > 1), None)
        if wide is not None and wide + 1 < len(widths) and set(widths[wide:]) == {widths[wide]}:
            return filled[wide], *records[filled[wide]]
    return first, *record


def _record(lines: Sequence[str], index: int, separator: str) -> tuple[list[str], int]:
    """Return the cells of the record that begins at a line, and its number of lines."""
    reader = csv.reader((f"{line}\n" for line in lines[index : index + 20]), delimiter=separator)
    try:
        cells = next(reader)
    except (csv.Error, StopIteration):
        return lines[index].split(separator), 1
    if reader.line_num > 1 and lines[index].count('"') % 2 == 0:
        return lines[index].split(separator), 1
    return cells, reader.line_num


def count_names(cells: Sequence[str], names: Collection[str]) -> int:
    """Return how many of the names are cells.

    Parameters
    ----------
    cells : sequence of str
        Cells of a line; blanks around them do not matter.
    names : collection of str
        Names that a header may have.

    Returns
    -------
    int

    Examples
    --------
    >>> count_names([" id", "price", "x"], ["id", "price"])
    2
    """
    return len({c.strip(_BLANKS) for c in cells} & set(names))


def _check_separator(
    lines: Sequence[str],
    start: int,
    separator: str,
    *,
    skip_rows: int | None,
    names: Collection[str],
    cells: Sequence[str],
    where: str,
) -> None:
    """Raise an error if the names are those of the table with another separator, and the next lines agree."""
    for other in _SEPARATORS:
        if other == separator:
            continue
        index, columns, n_lines = _header_line(lines, start, other, skip_rows, names)
        has_more_names = count_names(columns, names) > count_names(cells, names)
        if len(columns) < 2 or not (has_more_names or len(cells) == 1):
            continue
        following = [line for line in lines[index + n_lines :][:_CHECKED_LINES] if line.strip(_BLANKS)]
        widths = {
            len(_record(following, i, other)[0]) for i in range(len(following)) if following[i].count('"') % 2 == 0
        }
        if widths == {len(columns)}:
            shown = lines[index] if len(lines[index]) <= 60 else lines[index][:57] + "..."
            written = {"\t": '"\\t"'}.get(other, f'"{other}"')
            raise DataError(
                f"{where}: the header `{shown}` is {len(cells)} column{'s' if len(cells) > 1 else ''} with the "
                f"separator {separator!r}: set `separator: {written}`, which gives {len(columns)} columns there and in "
                f"the next {len(following)} lines"
            )


def is_header(cells: Sequence[str], *, above: Sequence[str], names: Collection[str]) -> bool:
    """Return whether a line is the header rather than the first line of a file.

    Parameters
    ----------
    cells : sequence of str
        Cells of the line.
    above : sequence of str
        Cells of the first line that is not blank.
    names : collection of str
        Names that a header may have.

    Returns
    -------
    bool
        True if the line has more of the names: at least two, or one below a first line of a single cell.

    Examples
    --------
    >>> is_header(["id", "x"], above=["Report"], names=["id"]), is_header(["id", "x"], above=["a", "b"], names=["id"])
    (True, False)
    """
    score, score_above = count_names(cells, names), count_names(above, names)
    is_title = score_above == 0 and sum(bool(c.strip(_BLANKS)) for c in above) == 1
    return score > score_above and (score > 1 or is_title)


def unique_names(cells: Sequence[str], mapped: Collection[str]) -> tuple[str, ...]:
    """Return different names of the columns, without surrounding blanks.

    Parameters
    ----------
    cells : sequence of str
        Cells of the header.
    mapped : collection of str
        Names in sources.yaml, whose blanks are not removed.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> unique_names(["id", " price ", "", "price"], [])
    ('id', 'price', 'column 3', 'price (2)')
    """
    unique: list[str] = []
    plain = [c if c in mapped else c.strip(_BLANKS) for c in cells]
    for position, cell in enumerate(plain, 1):
        name = cell or f"column {position}"
        number = 1
        while name in unique or (number > 1 and name in plain):
            number += 1
            name = f"{cell or f'column {position}'} ({number})"
        unique.append(name)
    return tuple(unique)


def repetitions(cells: Sequence[str]) -> list[str]:
    """Return a note for each name that a header has more than once.

    Parameters
    ----------
    cells : sequence of str
        Cells of the header.

    Returns
    -------
    list of str

    Examples
    --------
    >>> repetitions(["id", "price", "price"])
    ['the header has `price` in the fields 2 and 3: `price` is the first, `price (2)` the next']
    """
    counts = Counter(c.strip(_BLANKS) for c in cells if c.strip(_BLANKS))
    notes = []
    for name, n in counts.items():
        if n > 1:
            fields = [i for i, c in enumerate(cells, 1) if c.strip(_BLANKS) == name]
            listing = " and ".join(map(str, fields)) if n == 2 else ", ".join(map(str, fields))
            notes.append(
                f"the header has `{name}` in the fields {listing}: `{name}` is the first, `{name} (2)` the next"
            )
    return notes
