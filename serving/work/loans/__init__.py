"""Loan applications: the queue, a case with its quotes, decisions of officers, results of lenders, saved plans."""

from serving.work.loans.routes import ROUTES

__all__ = ["ROUTES"]
