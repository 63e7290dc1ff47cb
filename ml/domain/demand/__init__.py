"""Demand and stock: distributions of counts, censored demand, order quantities and transfers."""
