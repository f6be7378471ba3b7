"""The ledger: what was asked for, sent, paid and kept. It decides; everything else is a view."""

from tasks.ledger.database import Ledger, open_ledger, shown_url

__all__ = ["Ledger", "open_ledger", "shown_url"]
