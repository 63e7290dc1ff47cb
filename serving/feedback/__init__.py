"""Feedback of storefronts and sales desks: events, and changes of the stock, kept in the feedback store."""
