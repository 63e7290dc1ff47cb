"""Loans exact to the fen: products, schedules, cost, settlement and vectorised pricing."""
