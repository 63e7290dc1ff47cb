"""Facts: raw-table contracts and stateless functions from tables to columns, true as of a date."""
