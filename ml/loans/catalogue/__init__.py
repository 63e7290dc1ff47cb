"""Lenders, products and lending rules as dated configuration."""
