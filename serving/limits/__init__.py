"""Limits that keep one request from delaying the others: size, structure, computations, and the protocol."""
