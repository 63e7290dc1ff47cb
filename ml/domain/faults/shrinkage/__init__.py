"""Shrunken ratios of counts to expected counts: gamma-Poisson and EBGM; unshrunken PRR and ROR for comparison."""
