"""Reports: typed sections, and renderers for terminal, HTML, PNG and JSON."""
