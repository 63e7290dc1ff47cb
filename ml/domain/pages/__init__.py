"""Pages of a storefront: what stands where, from a ranking."""
