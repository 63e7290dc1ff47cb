"""Reports: typed sections, and one renderer for each medium (terminal, HTML, PNG, JSON)."""
