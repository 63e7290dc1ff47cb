"""Raw-table contracts, sources, and stateless feature functions that use only rows from before `as_of`."""
