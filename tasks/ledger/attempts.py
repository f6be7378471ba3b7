"""Write attempts: open, submitted, settled. Each function is one transaction's work.

An open attempt is the claim on its request: the partial unique index makes the second insert
fail, and whoever fails joins the first. Settling twice is a no-op.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, literal, or_, select, update

from tasks.ledger import lookup
from tasks.ledger.attempt import Attempt, Opening, Place, Settlement
from tasks.ledger.dialect import insert_or_ignore
from tasks.ledger.schema import OPEN, attempts, requests, uses
from tasks.money import to_nanos

# What every attempt runs is built once: building a statement costs more than running it.
_ACCEPTED_ID = select(attempts.c.id).where(
    attempts.c.key == bindparam("of_key"), attempts.c.outcome == "accepted"
)
_CHANGE_GIVEN_UP = update(attempts).where(
    attempts.c.id == bindparam("of_id"), attempts.c.outcome == "given_up"
)
_CHANGE_OPEN = update(attempts).where(
    attempts.c.id == bindparam("of_id"),
    attempts.c.state.in_([literal(state) for state in OPEN]),
)


def open_attempt(connection: Connection, opening: Opening) -> bool:
    """Write the intent; False when another open or accepted attempt holds the request."""
    _remember_request(connection, opening)
    if not _insert_attempt(connection, _values(opening) | {"state": "intent"}):
        return False
    # Asked only now: on PostgreSQL another process may have settled its attempt as accepted
    # between an earlier look and our insert, and this would be a second submit.
    if connection.execute(_ACCEPTED_ID, {"of_key": opening.key}).first():
        connection.execute(delete(attempts).where(attempts.c.id == opening.id))
        return False
    return True


def submitted(
    connection: Connection, attempt_id: str, job: str, receipt: Mapping[str, Any]
) -> None:
    """Record the job, whoever owns the attempt by now: an id that arrived is never dropped.

    Also of an attempt that a person has given up meanwhile: that is settled, and stays so.
    """
    values = {
        "state": "submitted",
        "job": job,
        "receipt": json.dumps(receipt),
        "submitted_at": time.time(),
    }
    if not connection.execute(_CHANGE_OPEN, {"of_id": attempt_id, **values}).rowcount:
        del values["state"]
        connection.execute(
            update(attempts)
            .where(attempts.c.id == attempt_id, attempts.c.job.is_(None))
            .values(**values)
        )


def abandon(connection: Connection, attempt_id: str, error: str) -> None:
    """Give up on an answer: held as uncertain once it was sent, unsent while it was waiting."""
    settle_waiting = _settled(Settlement("unsent", error=error))
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "waiting")
        .values(**settle_waiting)
    )
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "intent")
        .values(state="uncertain", error_class="UncertainError", error=error)
    )


def settle(connection: Connection, attempt_id: str, settlement: Settlement) -> bool:
    """End an open attempt; False when it had ended already.

    One that was given up is ended anew when its result comes after all, if nothing else has been
    accepted for its request by then: what came is paid for.
    """
    values = {"of_id": attempt_id, **_settled(settlement)}
    if connection.execute(_CHANGE_OPEN, values).rowcount:
        return True
    if settlement.outcome != "accepted":
        return False
    key = select(attempts.c.key).where(attempts.c.id == attempt_id).scalar_subquery()
    others = select(attempts.c.id).where(attempts.c.key == key, attempts.c.outcome == "accepted")
    if connection.execute(others).first():
        return False
    return bool(connection.execute(_CHANGE_GIVEN_UP, values).rowcount)


def settle_and_read(connection: Connection, attempt_id: str, settlement: Settlement) -> Attempt:
    """End an open attempt and return it as it stands; of two settlements the first stays."""
    settle(connection, attempt_id, settlement)
    return lookup.read(connection, attempt_id)


def settle_local(connection: Connection, opening: Opening, settlement: Settlement) -> Attempt:
    """Write a local attempt whole, in one transaction, and return the attempt that stands.

    If another process made the same result first, that one stands and this one is `cancelled`.
    """
    _remember_request(connection, opening)
    values = _values(opening) | _settled(settlement)
    if _insert_attempt(connection, values):
        return lookup.read(connection, opening.id)
    _insert_attempt(connection, values | {"outcome": "cancelled", "result": None})
    return lookup.accepted_for(connection, [opening.key])[opening.key]


def waiting(connection: Connection, attempt_id: str) -> None:
    """Mark an attempt as proven not accepted and about to be sent again."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "intent")
        .values(state="waiting")
    )


def intend_again(connection: Connection, attempt_id: str, owner: str) -> bool:
    """Go from waiting back to intent; False when the attempt is no longer the owner's."""
    done = connection.execute(
        update(attempts)
        .where(
            attempts.c.id == attempt_id,
            attempts.c.owner == owner,
            attempts.c.state == "waiting",
        )
        .values(state="intent")
    )
    return done.rowcount == 1


def mark_lost(connection: Connection, attempt_id: str) -> None:
    """Take an accepted result back whose bytes are gone."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.outcome == "accepted")
        .values(outcome="lost")
    )


def use(connection: Connection, place: Place, attempt: Attempt, *, reused: bool) -> None:
    """Note that a row's step has this attempt's result; `reused` when another paid for it."""
    use_many(connection, [(place, attempt, reused)])


def use_many(connection: Connection, found: Sequence[tuple[Place, Attempt, bool]]) -> None:
    """The same for many at once."""
    if not found:
        return
    statement = insert_or_ignore(connection, uses)
    connection.execute(
        statement,
        [
            {
                "run": place.run,
                "row": place.row,
                "step": place.step,
                "item": place.item,
                "attempt": attempt.id,
                "key": attempt.key,
                "reused": reused,
            }
            for place, attempt, reused in found
        ],
    )


def _remember_request(connection: Connection, opening: Opening) -> None:
    connection.execute(
        insert_or_ignore(connection, requests),
        {"key": opening.key, "fields": json.dumps(opening.fields, sort_keys=True)},
    )


def _insert_attempt(connection: Connection, values: Mapping[str, Any]) -> bool:
    # Asked for by name: without it an insert on PostgreSQL may answer -1, and a request that another
    # process held was sent a second time (seen with four processes, 2026-11-21).
    done = connection.execute(
        insert_or_ignore(connection, attempts),
        values,
        execution_options={"preserve_rowcount": True},
    )
    return done.rowcount == 1


def _values(opening: Opening) -> dict[str, Any]:
    return {
        "id": opening.id,
        "key": opening.key,
        "run": opening.place.run,
        "row": opening.place.row,
        "step": opening.place.step,
        "item": opening.place.item,
        "take": opening.fields["take"],
        "round": opening.round,
        "model": opening.fields["model"],
        "provider": opening.fields["provider"],
        "endpoint": opening.fields["endpoint"],
        "realm": opening.fields["realm"],
        "owner": opening.owner,
        "body_digest": opening.body_digest,
        "checks": opening.checks,
        "fitted": json.dumps(opening.fitted) if opening.fitted else None,
        "low_nanos": to_nanos(opening.low),
        "high_nanos": to_nanos(opening.high),
        "created_at": opening.created_at,
    }


def _settled(settlement: Settlement) -> dict[str, Any]:
    return {
        "state": "settled",
        "outcome": settlement.outcome,
        "result": json.dumps(settlement.result) if settlement.result is not None else None,
        "units": str(settlement.units) if settlement.units is not None else None,
        "amount_nanos": to_nanos(settlement.amount),
        "grade": settlement.grade,
        "error_class": settlement.error_class,
        "error": settlement.error,
        "settled_at": time.time(),
    }


def give_up(connection: Connection, attempt_id: str, reason: str) -> None:
    """Settle an uncertain attempt so that another may be sent; nobody knows yet what it cost."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.state == "uncertain")
        .values(**_settled(Settlement("given_up", error=reason)))
    )


def assume(connection: Connection, attempt_id: str, *, billed: bool) -> bool:
    """Settle what only the vendor's invoice can tell: an attempt was billed, or it was not.

    For one that is uncertain or given up, and for a failure of which it is not known whether the
    vendor charges for it. Billed means at its high price. False when there is nothing to assume.
    """
    is_open_question = or_(
        attempts.c.state == "uncertain",
        and_(attempts.c.outcome == "given_up", attempts.c.amount_nanos.is_(None)),
    )
    is_failure = and_(
        attempts.c.outcome.in_(["failed", "refused", "cancelled"]), attempts.c.grade == "estimate"
    )
    amount = attempts.c.high_nanos if billed else 0
    settled = {"amount_nanos": amount, "grade": "exact", "settled_at": time.time()}
    named = update(attempts).where(attempts.c.id == attempt_id)
    outcome = "given_up" if billed else "unsent"
    done = connection.execute(
        named.where(is_open_question).values(**settled, state="settled", outcome=outcome)
    ).rowcount
    return bool(done or connection.execute(named.where(is_failure).values(**settled)).rowcount)


def replace_result(connection: Connection, attempt_id: str, result: Mapping[str, Any]) -> None:
    """Point an accepted attempt at the bytes that its vendor gave when it was asked again."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.outcome == "accepted")
        .values(result=json.dumps(result))
    )


def reprice(
    connection: Connection, attempt_id: str, quote: Mapping[str, Decimal | None], grade: str | None
) -> None:
    """Write what an attempt cost by another price: `low`, `high` and `amount` in USD.

    One whose amount is the vendor's own word keeps it.
    """
    values: dict[str, Any] = {
        "low_nanos": to_nanos(quote["low"]),
        "high_nanos": to_nanos(quote["high"]),
    }
    if "amount" in quote:
        values |= {"amount_nanos": to_nanos(quote["amount"]), "grade": grade}
    connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(**values))
