"""What a run may cost: caps, and what rows in flight have set aside under them.

    settled + held + reserved + a row's worst case <= cap

A row's attempts count at what they cost once they are settled. While the row has a reservation,
that stands for those which are not; without one (a parked row, a killed process) they are held at
their high price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
)

from providers.errors import BudgetError
from tasks.ledger import owners
from tasks.ledger.attempt import Opening
from tasks.ledger.dialect import insert_or_ignore
from tasks.ledger.schema import ALL, OPEN, attempts, caps, reservations
from tasks.money import NANO, dollars, from_nanos, to_nanos

_OF_RUN = bindparam("of_run", type_=String)
_OF_PROVIDER = bindparam("of_provider", type_=String)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a row may start; `may_wait` when a row in flight may yet give something back."""

    admitted: bool
    may_wait: bool = False
    reason: str = ""


def _counted() -> ColumnElement[int]:
    is_reserved = exists().where(
        reservations.c.run == attempts.c.run,
        reservations.c.row == attempts.c.row,
        reservations.c.provider == ALL,
    )
    is_held = and_(attempts.c.state.in_(OPEN), ~is_reserved)
    # Nobody knows yet what was billed for an attempt that was given up: see `ledger reconcile`.
    is_given_up = and_(attempts.c.outcome == "given_up", attempts.c.amount_nanos.is_(None))
    return case((is_held | is_given_up, attempts.c.high_nanos), else_=attempts.c.amount_nanos)


# What every row runs is built once: building a statement costs more than running it.
_CAPS = select(caps.c.provider, caps.c.cap_nanos).where(caps.c.run == _OF_RUN)
_SPENT = select(func.coalesce(func.sum(_counted()), 0)).where(attempts.c.run == _OF_RUN)
_SPENT_AT = _SPENT.where(attempts.c.provider == _OF_PROVIDER)
_RESERVED = select(func.coalesce(func.sum(reservations.c.amount_nanos), 0)).where(
    reservations.c.run == _OF_RUN, reservations.c.provider == _OF_PROVIDER
)
_RELEASE = delete(reservations).where(
    reservations.c.run == _OF_RUN, reservations.c.row == bindparam("of_row")
)


def set_caps(connection: Connection, run: str, amounts: Mapping[str, Decimal]) -> None:
    """Set what a run may cost in USD, by provider and with ALL in all; replaces what was set."""
    connection.execute(delete(caps).where(caps.c.run == run))
    for provider, amount in amounts.items():
        connection.execute(
            insert(caps).values(run=run, provider=provider, cap_nanos=to_nanos(amount))
        )


def caps_of(connection: Connection, run: str) -> dict[str, Decimal]:
    """Return what a run may cost in USD, by provider and with ALL in all; nothing is set: {}."""
    found = connection.execute(_CAPS, {"of_run": run})
    return {row.provider: from_nanos(row.cap_nanos) or Decimal(0) for row in found}


def admit(
    connection: Connection, run: str, row: str, owner: str, worst: Mapping[str, Decimal]
) -> Admission:
    """Reserve a row's worst case in USD, by provider and with ALL in all, where every cap has room.

    A run without a cap admits everything, and reserves nothing. What a dead process had reserved is
    given back before a row is kept out.
    """
    # Locked: two processes must not both find room for their row. SQLite has one writer anyway.
    limits = {
        found.provider: found.cap_nanos
        for found in connection.execute(_CAPS.with_for_update(), {"of_run": run})
    }
    wanted = {provider: to_nanos(worst.get(provider, Decimal(0))) or 0 for provider in limits}
    if not any(wanted.values()):
        return Admission(True)
    release(connection, run, row)  # what a process that died had reserved for this very row
    full = _full(connection, run, limits, wanted)
    if full is not None and _release_dead(connection, run, owner):
        full = _full(connection, run, limits, wanted)
    if full is not None:
        may_wait = connection.execute(_RESERVED, {"of_run": run, "of_provider": full}).scalar_one()
        return Admission(False, bool(may_wait), _why(full, limits[full], wanted[full]))
    connection.execute(
        insert_or_ignore(connection, reservations),
        [
            {"run": run, "row": row, "provider": provider, "owner": owner, "amount_nanos": nanos}
            for provider, nanos in {ALL: 0, **wanted}.items()
        ],
    )
    return Admission(True)


def release(connection: Connection, run: str, row: str) -> None:
    """Give back what a row had reserved and did not use."""
    connection.execute(_RELEASE, {"of_run": run, "of_row": row})


def lower(connection: Connection, run: str, row: str, worst: Mapping[str, Decimal]) -> None:
    """Reserve no more for a row in flight than its remaining steps can cost."""
    for provider, amount in worst.items():
        nanos = to_nanos(amount) or 0
        connection.execute(
            reservations.update()
            .where(
                reservations.c.run == run,
                reservations.c.row == row,
                reservations.c.provider == provider,
                reservations.c.amount_nanos > nanos,
            )
            .values(amount_nanos=nanos)
        )


def spent(connection: Connection, run: str) -> Decimal:
    """Return what a run has settled and holds, in USD."""
    return from_nanos(int(connection.execute(_SPENT, {"of_run": run}).scalar_one())) or Decimal(0)


def _full(
    connection: Connection, run: str, limits: Mapping[str, int], wanted: Mapping[str, int]
) -> str | None:
    """Return the provider (or ALL) whose cap has no room for what is wanted, or None."""
    for provider, limit in limits.items():
        if not wanted[provider]:
            continue
        given = {"of_run": run, "of_provider": provider}
        statement = _SPENT if provider == ALL else _SPENT_AT
        counted = connection.execute(statement, given).scalar_one()
        reserved = connection.execute(_RESERVED, given).scalar_one()
        if counted + reserved + wanted[provider] > limit:
            return provider
    return None


def _release_dead(connection: Connection, run: str, owner: str) -> int:
    held_by = select(reservations.c.owner).where(reservations.c.run == run).distinct()
    dead = [
        other
        for other in connection.execute(held_by).scalars()
        if other != owner and not owners.is_alive(connection, other)
    ]
    gone = delete(reservations).where(reservations.c.run == run, reservations.c.owner.in_(dead))
    return connection.execute(gone).rowcount if dead else 0


def _why(provider: str, limit: int, wanted: int) -> str:
    whose = f"the cap for {provider}" if provider else "the cap"
    most, cap = (dollars(Decimal(nanos) * NANO) for nanos in (wanted, limit))
    return f"{whose} of {cap} has no room for a row that may cost up to {most}"


def require_room_in_row(
    connection: Connection,
    opening: Opening,
    most: Decimal,
    one_try: Mapping[tuple[str, int], Decimal],
) -> None:
    """Do nothing when a row may cost what it has cost, this submit, and one try of what is left.

    Args:
        connection: Of the transaction that writes the intent: nothing comes between.
        opening: The intent.
        most: What the row may cost, USD.
        one_try: Step and item -> what one try of it costs at most, USD.

    Raises:
        BudgetError: it may cost more.
    """
    place = opening.place
    of_row = and_(attempts.c.run == place.run, attempts.c.row == place.row)
    cost = case((attempts.c.state.in_(OPEN), attempts.c.high_nanos), else_=attempts.c.amount_nanos)
    counted = connection.execute(select(func.coalesce(func.sum(cost), 0)).where(of_row))
    ended = select(attempts.c.step, attempts.c.item).where(
        of_row, attempts.c.state.in_(OPEN) | (attempts.c.outcome == "accepted")
    )
    have = {(place.step, place.item), *((row.step, row.item) for row in connection.execute(ended))}
    rest = sum((price for call, price in one_try.items() if call not in have), Decimal(0))
    so_far = from_nanos(int(counted.scalar_one())) or Decimal(0)
    if so_far + (opening.high or Decimal(0)) + rest > most:
        raise BudgetError(
            f"another submit could cost {dollars(opening.high or Decimal(0))}, the row has cost "
            f"{dollars(so_far)} so far, and --max-cost-per-row is {dollars(most)}"
        )


def overrun(connection: Connection, run: str, since: float) -> str | None:
    """Return what a vendor has billed above the high estimate since that time, or None."""
    query = (
        select(
            attempts.c.model, attempts.c.provider, attempts.c.amount_nanos, attempts.c.high_nanos
        )
        .where(
            attempts.c.run == run,
            attempts.c.settled_at >= since,
            attempts.c.amount_nanos > attempts.c.high_nanos,
        )
        .limit(1)
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    billed, most = (
        dollars(Decimal(nanos) * NANO) for nanos in (found.amount_nanos, found.high_nanos)
    )
    return f"{found.model}@{found.provider} billed {billed} for a call of at most {most}"


def reserved(connection: Connection, run: str) -> Decimal:
    """Return what a run's rows in flight have set aside in all, in USD."""
    given = {"of_run": run, "of_provider": ALL}
    return from_nanos(int(connection.execute(_RESERVED, given).scalar_one())) or Decimal(0)
