"""The ledger: what was asked for, sent, paid and kept. It decides; everything else is a view."""

from tasks.ledger.address import shown_url
from tasks.ledger.database import open_ledger
from tasks.ledger.writer import Ledger

__all__ = ["Ledger", "open_ledger", "shown_url"]
