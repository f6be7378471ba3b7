"""Where the ledger is: its URL as people write it, and as it is shown to them."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from providers.errors import SetupError

POSTGRESQL = "postgresql+psycopg"
SQLITE = "sqlite"


def parse_url(url: str) -> URL:
    """Return a ledger's URL for the drivers that are used here; `postgres://` will do.

    Raises:
        SetupError: it is none, or that of another database. It may hold a password in any of its
            parts, read wrongly: nothing of it is shown.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _unreadable() from None
    if "@" in (parsed.host or ""):
        raise _unreadable()
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return parsed.set(drivername=SQLITE)
    if kind in ("postgresql", "postgres"):
        return parsed.set(drivername=POSTGRESQL)
    raise SetupError(
        f"MEDIAFLOWS_LEDGER_URL is for {kind!r}: a ledger is an SQLite file or a PostgreSQL "
        "database, sqlite:///PATH or postgresql://USER@HOST/DATABASE."
    )


def shown_url(url: str) -> str:
    """Return where a ledger is, as people read it: a path, or a URL without its password."""
    parsed = parse_url(url)
    if parsed.drivername == SQLITE:
        return parsed.database or url
    # What follows the question mark may be a password, too.
    return parsed.set(query={}).render_as_string(hide_password=True)


def _unreadable() -> SetupError:
    return SetupError(
        "MEDIAFLOWS_LEDGER_URL cannot be read: it is sqlite:///PATH or "
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, where @ in a password is written %40."
    )
