"""Loan offers: candidates under policy, the efficient ones named, smallest changes and the payment grid."""
