"""Counts against expected counts, shrunk: gamma-Poisson, the two-component shrinker (EBGM), PRR and ROR."""
