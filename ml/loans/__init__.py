"""Lenders, products and rules as dated configuration, and the disclosure of what a loan costs."""
