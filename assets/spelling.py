"""Values as people read them, in tables of the terminal and of reports."""

import math
from typing import Any


def spelt(value: Any) -> str:
    """Thousands set apart, four digits of a fraction."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if math.isfinite(value) and abs(value) >= 1e4 else f"{value:.4g}"
        case _:
            return str(value)
