"""Currencies as they are written before or after an amount."""

from __future__ import annotations

import re

# By ISO code: the other spellings. A sign that several countries use, such as $, counts as one currency.
_SPELLINGS = {
    "CNY": ("¥", "CN¥", "元", "圆", "人民币", "RMB"),
    "USD": ("$", "US$"),
    "EUR": ("€",),
    "GBP": ("£",),
    "INR": ("₹", "Rs.", "Rs"),
    "KES": ("KSh", "Ksh", "KSH", "KShs", "Kshs"),
    "HKD": ("HK$", "港币", "港元"),
    "TWD": ("NT$",),
    "BRL": ("R$",),
    "CHF": ("Fr.", "SFr."),
    "RUB": ("₽", "руб.", "руб"),
    "KRW": ("₩",),
    "THB": ("฿",),
    "VND": ("₫",),
    "TRY": ("₺", "TL"),
    "UAH": ("₴",),
    "NGN": ("₦",),
    "PHP": ("₱",),
    "ILS": ("₪",),
    "PLN": ("zł",),
    "CZK": ("Kč",),
    "HUF": ("Ft",),
    "MYR": ("RM",),
    "IDR": ("Rp", "Rp."),
    "SEK": ("kr", "kr."),
}
_CODES = (
    *("AED", "ARS", "AUD", "BDT", "BGN", "CAD", "CLP", "COP", "DKK", "EGP", "ETB", "GHS", "IRR", "ISK", "JPY", "KZT"),
    *("KWD", "LKR", "MAD", "MMK", "MOP", "MXN", "NOK", "NPR", "NZD", "OMR", "PEN", "PKR", "QAR", "RON", "RSD", "SAR"),
    *("SGD", "TND", "TZS", "UGX", "UZS", "XAF", "XOF", "ZAR", "ZMW"),
)
_ISO = {text: code for code, texts in _SPELLINGS.items() for text in (code, *texts)} | {c: c for c in _CODES}

CURRENCY = "|".join(re.escape(t) for t in sorted(_ISO, key=len, reverse=True))


def currency_of(text: str) -> str:
    """Return the ISO code of a currency's sign, word or code.

    Parameters
    ----------
    text : str
        A text that the regular expression `CURRENCY` matches.

    Returns
    -------
    str
        ISO 4217 code.

    Examples
    --------
    >>> currency_of("元"), currency_of("KSh")
    ('CNY', 'KES')
    """
    return _ISO[text]
