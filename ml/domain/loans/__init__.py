"""Loan arithmetic, exact to the fen: products, schedules, cost, early settlement, pricing of many loans at once."""
