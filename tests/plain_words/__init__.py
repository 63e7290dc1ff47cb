"""Draws of what people read: public functions, error messages and lines of reports.

A reader who has not seen the code gets a draw and nothing else. For a function, the reader writes a call that works and
says what it returns, in which unit; for an error, what is wrong and what to do; for a line, what it says.
"""
