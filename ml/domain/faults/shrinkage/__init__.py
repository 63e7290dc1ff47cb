"""Counts against expected counts, shrunk: gamma-Poisson, the two-component shrinker (EBGM), PRR, ROR and the funnel."""
