"""Demand and stock: count distributions, censored demand, order quantities and transfers."""
