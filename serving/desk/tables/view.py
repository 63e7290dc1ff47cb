"""The part of a table that a page shows: filtered, ordered and paged by the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from serving.desk.catalogue import Language
from serving.desk.formats import in_language, parse_time
from serving.desk.tables.columns import Row, TableColumn

PAGE_ROWS = 50
MAX_CHOICES = 40  # a column with more values is searched, not chosen from
NEAR = 2  # pages left and right of the present one that have a link


@dataclass(frozen=True)
class TableView:
    """A table whose rows are filtered, ordered and paged.

    The address holds `sort` (name of a column, with a hyphen before it for descending order), `page`, `q` (words that a
    row contains), a column's name for a chosen value, and `<name>_from` and `<name>_to` for a range.

    Attributes
    ----------
    id : str
        Name of the table on its page, lower-case words with hyphens.
    columns : sequence of TableColumn
        From left to right.
    rows : sequence of mapping
        All rows, in the order that holds until a heading is clicked.
    default_sort : str
        Such as `-price`; empty: the order of `rows`.
    page_rows : int
        Rows of a page.
    prefix : str
        Put before the names in the address where a page has several tables.
    searched : sequence of str
        Fields that `q` searches; by default all columns of texts and states.

    Examples
    --------
    >>> columns = (TableColumn("store", "stores.store"), TableColumn("sold", "stores.sold", "number"))
    >>> view = TableView("stores", columns, [{"store": "S1", "sold": 3}, {"store": "S2", "sold": 9}], page_rows=1)
    >>> page = view.page({"sort": "-sold"}, "/desk/stores", "en", str)
    >>> page.rows[0]["store"], page.first, page.last, page.total, page.page_link(2)
    ('S2', 1, 1, 2, '/desk/stores?sort=-sold&page=2')
    """

    id: str
    columns: Sequence[TableColumn]
    rows: Sequence[Row]
    default_sort: str = ""
    page_rows: int = PAGE_ROWS
    prefix: str = ""
    searched: Sequence[str] = ()

    def page(self, query: Mapping[str, str], path: str, language: Language, text: Callable[[str], str]) -> TablePage:
        """Return the page that the address asks for; what it does not understand is ignored, as of an old link.

        Parameters
        ----------
        query : mapping of str to str
            Query of the address; names that are not the table's stay in the links.
        path : str
            Path of the page.
        language : {'zh', 'en'}
            Language of texts and of their order.
        text : callable
            ``(key) -> str``: text of the catalogue.
        """
        own = {n: query[self.prefix + n].strip() for n in self._names() if query.get(self.prefix + n, "").strip()}
        rows = self.select(own, language, text)
        pages = max(1, -(-len(rows) // self.page_rows))
        number = min(max(int(own["page"]), 1), pages) if own.get("page", "").isdecimal() else 1
        start = (number - 1) * self.page_rows
        other = {n: v for n, v in query.items() if n not in {self.prefix + o for o in self._names()} and v}
        return TablePage(
            view=self, rows=rows[start : start + self.page_rows], total=len(rows), number=number, pages=pages,
            sort=own.get("sort", self.default_sort), query=own, other=other, path=path, language=language, text=text,
        )  # fmt: skip

    def select(self, query: Mapping[str, str], language: Language, text: Callable[[str], str]) -> list[Row]:
        """Return all rows that pass the filters, in order; an export writes them.

        Parameters
        ----------
        query : mapping of str to str
            Names without the prefix.
        language : {'zh', 'en'}
            Language of texts.
        text : callable
            ``(key) -> str``: text of the catalogue.
        """
        rows: Sequence[Row] = self.rows
        for passes in self._filters(query, language, text):
            rows = [row for row in rows if passes(row)]
        sort = query.get("sort") or self.default_sort
        column = next((c for c in self.columns if c.name == sort.removeprefix("-") and c.sortable), None)
        if column is None:
            return list(rows)
        keys = list(zip(column.orders(rows, language), range(len(rows)), strict=True))
        present = sorted((k for k in keys if k[0] is not None), key=lambda k: k[0], reverse=sort.startswith("-"))
        return [rows[i] for _, i in present] + [rows[i] for key, i in keys if key is None]

    def own_query(self, query: Mapping[str, str]) -> dict[str, str]:
        """Return the table's part of an address, without the prefix."""
        return {n: query[self.prefix + n].strip() for n in self._names() if query.get(self.prefix + n, "").strip()}

    def _names(self) -> list[str]:
        names = ["sort", "page", "q"]
        for column in self.columns:
            if column.filter == "choice":
                names.append(column.name)
            elif column.filter == "range":
                names += [f"{column.name}_from", f"{column.name}_to"]
        return names

    def _filters(
        self, query: Mapping[str, str], language: Language, text: Callable[[str], str]
    ) -> list[Callable[[Row], bool]]:
        out: list[Callable[[Row], bool]] = []
        if "q" in query:
            out.append(_contains(query["q"].casefold().split(), self._words_of(language, text)))
        for column in self.columns:
            if column.filter == "choice" and column.name in query:
                out.append(_equals(column, query[column.name], language))
            elif column.filter == "range":
                for end, sign in (("from", 1), ("to", -1)):
                    if (limit := _limit(column, query.get(f"{column.name}_{end}"))) is not None:
                        out.append(_beyond(column, limit, sign))
        return out

    def _words_of(self, language: Language, text: Callable[[str], str]) -> Callable[[Row], str]:
        """Return what joins the searched words of a row."""
        states = {
            c.name: {v: text(choice.key) for v, choice in (c.states or {}).items()}
            for c in self.columns
            if c.kind == "state"
        }
        names = [n for c in self.columns if c.kind == "text" for n in (c.name, c.second) if n]
        searched = list(self.searched) or list(dict.fromkeys(names))
        labels = [] if self.searched else list(states.items())

        def words_of(row: Row) -> str:
            # A comprehension: ten thousand rows are read within milliseconds.
            values = [
                v if type(v) is str else in_language(v, language) for n in searched if (v := row.get(n)) is not None
            ]
            values += [by_value.get(str(row.get(n)), "") for n, by_value in labels]
            return "\n".join(values).casefold()

        return words_of


def _contains(words: list[str], words_of: Callable[[Row], str]) -> Callable[[Row], bool]:
    if len(words) == 1:
        word = words[0]
        return lambda row: word in words_of(row)

    def passes(row: Row) -> bool:
        content = words_of(row)
        return all(word in content for word in words)

    return passes


def _equals(column: TableColumn, value: str, language: Language) -> Callable[[Row], bool]:
    name = column.name
    return lambda row: (
        row.get(name) is not None and (str(row[name]) == value or in_language(row[name], language) == value)
    )


def _limit(column: TableColumn, text: str | None) -> Any:
    """Return the end of a range as a number or day; None if it is none. Percentages are typed as such: 5 is 5 %."""
    if not text:
        return None
    try:
        if column.kind in ("date", "moment"):
            return date.fromisoformat(text)
        return float(text.replace(",", "")) / (100 if column.kind in ("percent", "interval") else 1)
    except ValueError:
        return None


def _beyond(column: TableColumn, limit: Any, sign: int) -> Callable[[Row], bool]:
    is_time = column.kind in ("date", "moment")

    def passes(row: Row) -> bool:
        value = row.get(column.name)
        if value is None:
            return False
        if is_time:
            value = date.fromisoformat(str(parse_time(value))[:10])
        return bool(value >= limit if sign > 0 else value <= limit)

    return passes


@dataclass(frozen=True)
class TablePage:
    """Rows of one page of a table, and the addresses of the others; the macro `table` writes it.

    Attributes
    ----------
    view : TableView
        Table.
    rows : list of mapping
        Rows of the page.
    total : int
        Rows that pass the filters.
    number, pages : int
        Number of the page, from 1, and number of pages.
    sort : str
        Order, as in the address.
    query, other : mapping of str to str
        The table's and the other names of the address.
    path : str
        Path of the page.
    language : {'zh', 'en'}
        Language of the page.
    text : callable
        ``(key) -> str``: text of the catalogue.
    """

    view: TableView
    rows: list[Row]
    total: int
    number: int
    pages: int
    sort: str
    query: Mapping[str, str]
    other: Mapping[str, str]
    path: str
    language: Language
    text: Callable[[str], str] = field(repr=False)

    @property
    def first(self) -> int:
        """Return the number of the first row, from 1; 0 without rows."""
        return (self.number - 1) * self.view.page_rows + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Return the number of the last row."""
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def is_filtered(self) -> bool:
        """Return whether a filter or a search hides rows."""
        return bool(set(self.query) - {"sort", "page"})

    def direction(self, column: TableColumn) -> str | None:
        """Return `ascending` or `descending` if the table is ordered by the column, else None (aria-sort)."""
        if self.sort.removeprefix("-") != column.name:
            return None
        return "descending" if self.sort.startswith("-") else "ascending"

    def sort_link(self, column: TableColumn) -> str:
        """Return the address that orders by a column: numbers first descending, texts ascending, then the reverse."""
        now = self.direction(column)
        first = f"-{column.name}" if column.is_number or column.kind in ("date", "moment") else column.name
        reverse = first.removeprefix("-") if first.startswith("-") else f"-{first}"
        return self.address(sort=reverse if now and self.sort == first else first, page=None)

    def link(self, column: TableColumn, row: Row) -> str:
        """Return the address that a cell leads to."""
        fields = {name: quote(str(value), safe="") for name, value in row.items() if isinstance(value, str | int)}
        return str(column.link).format_map(fields)

    @property
    def has_range(self) -> bool:
        """Return whether a least or greatest value is set."""
        return any(name.endswith(("_from", "_to")) for name in self.query)

    def page_link(self, number: int) -> str:
        """Return the address of another page."""
        return self.address(page=str(number) if number > 1 else None)

    def export_link(self, kind: str) -> str:
        """Return the address that downloads all rows that pass the filters; `kind` is csv or xlsx."""
        return self.address(page=None, export=kind)

    @property
    def clear_link(self) -> str:
        """Return the address without filters."""
        names = {name: None for name in self.query if name != "sort"}
        return self.address(**names)

    @property
    def near(self) -> list[int | None]:
        """Return numbers of pages that have a link; None is a gap."""
        numbers = {1, self.pages, *range(self.number - NEAR, self.number + NEAR + 1)}
        out: list[int | None] = []
        for n in sorted(n for n in numbers if 1 <= n <= self.pages):
            previous = out[-1] if out else None
            if previous is not None and n - previous > 1:
                out.append(None)
            out.append(n)
        return out

    def address(self, **changes: str | None) -> str:
        """Return the address of the page with changes to the table's part; None removes a name.

        `export` has no prefix, but the name of the table as `table` where the table has a prefix.
        """
        export = changes.pop("export", None)
        own = {n: v for n, v in {**self.query, **changes}.items() if v is not None}
        query = {**self.other, **{self.view.prefix + n: v for n, v in own.items()}}
        if export:
            query |= {"export": export, **({"table": self.view.id} if self.view.prefix else {})}
        return f"{self.path}?{urlencode(query)}" if query else self.path

    @cached_property
    def choices(self) -> Mapping[str, list[tuple[str, str]]]:
        """Return values and words to choose from, by column with such a filter; none for a column with very many."""
        out = {}
        for column in self.view.columns:
            if column.filter != "choice":
                continue
            if column.states:
                present = {str(r.get(column.name)) for r in self.view.rows}
                out[column.name] = [(v, self.text(c.key)) for v, c in column.states.items() if v in present]
                continue
            labels = {
                in_language(r[column.name], self.language): r for r in self.view.rows if r.get(column.name) is not None
            }
            ordered = sorted(labels, key=lambda label, c=column, rows=labels: c.order(rows[label], self.language))  # type: ignore[misc]
            if len(ordered) <= MAX_CHOICES:
                out[column.name] = [(label, label) for label in ordered]
        return out
