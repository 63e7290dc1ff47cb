"""Credit: bands, cut-offs, points and reason codes of a score."""
