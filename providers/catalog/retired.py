"""When a vendor switches a model off."""

from __future__ import annotations

from datetime import date, timedelta

from providers.catalog.schema import Binding


def is_retired(binding: Binding) -> bool:
    """True when the vendor has switched it off, by its status or by today's date."""
    return binding.status == "retired" or retires_within(binding, 0)


def retires_within(binding: Binding, days: int) -> bool:
    """True when the vendor switches it off in so many days from today, or has done so."""
    if binding.retires_on is None:
        return False
    return date.fromisoformat(binding.retires_on) <= date.today() + timedelta(days=days)
