"""Entries of the statement of costs that do not follow from the loan: persons, vehicle, contract, place and time."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from ml.loans.days import Day
from ml.loans.loan_terms import LoanTerms
from ml.loans.printed_text import PrintedText
from ml.signature import RequestPart

FORM_VERSION = "2026-08"
"""Version of the form's own wording, for requests without a version of the lender."""

Entry = Annotated[PrintedText | None, Field(min_length=1, max_length=100, pattern=r"\S")]


class FormEntries(RequestPart):
    """Entries of the printed form. A missing one is a blank line to fill in by hand.

    The entries appear unmasked on the borrower's own form and in its answer. Neither errors nor logs quote them.

    Examples
    --------
    >>> entries = FormEntries(borrower="王小明", vin="LSVAA4182E2123456")
    >>> entries.borrower, entries.contract_number, entries.version
    ('王小明', None, '2026-08')
    """

    borrower: Entry = Field(None, description="name of the borrower")
    borrower_id: Entry = Field(None, description="number of the borrower's identity document")
    co_borrower: Entry = Field(None, description="name of a co-borrower; adds a line for the signature")
    co_borrower_id: Entry = Field(None, description="number of the co-borrower's identity document")
    vehicle: Entry = Field(None, description="brand and model")
    vin: Entry = Field(None, description="vehicle identification number")
    contract_number: Entry = None
    store: Entry = Field(None, description="store that issues the form")
    prepared_by: Entry = Field(None, description="person who prepares the form")
    date: Annotated[Day | None, Field(description="day on which the form is issued")] = None
    time: Annotated[dt.time | None, Field(strict=False, description="time of issue, such as 10:42")] = None
    version: Annotated[PrintedText, Field(min_length=1, max_length=40, pattern=r"\S")] = Field(
        FORM_VERSION, description="version of the form"
    )


class DisclosureRequest(LoanTerms):
    """Terms of a loan, and optionally the entries of the printed form."""

    form: FormEntries = FormEntries()
