"""Tables of the pages: columns, order, filters and pages on the server, and their export."""

from serving.desk.tables.columns import Choice, TableColumn
from serving.desk.tables.export import Sheet, csv_bytes, export_sheet, xlsx_bytes
from serving.desk.tables.view import TablePage, TableView

__all__ = ["Choice", "Sheet", "TableColumn", "TablePage", "TableView", "csv_bytes", "export_sheet", "xlsx_bytes"]
