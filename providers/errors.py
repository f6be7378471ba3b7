"""Every way a step can go wrong, as one small tree.

    MediaflowsError
    +-- UserError            yours to fix, nothing was sent
    |   +-- SetupError       keys, settings, files of the project itself
    |   +-- RequestError     the template, the table or an option as a whole
    |   +-- InputError       one row's own input
    +-- StepError            a step that was tried
        +-- RefusedError     the vendor says no: policy or validation; the same again is no use
        +-- JobFailedError   accepted, then failed at the vendor
        +-- UnavailableError proven not accepted, for now: rate limit, maintenance, no connection
        +-- UncertainError   sent, and the answer was lost: it may have been accepted and billed
        +-- BadReplyError    an answer of a shape nobody has described
        +-- RejectedError    a result that one of our checks turns down
        +-- StoppedError     not sent, or cancelled for free: the run, or the row, was stopped
        +-- BudgetError      not sent: it could have cost more than the row may
        +-- ParkedError      not ended: a charge in doubt, a job still running, a lost result
            +-- ExpiredError what the vendor made is no longer where it said, or is not yet

Every error takes one positional message, so that it survives a JSON round trip through Prefect
(`cls(message)`); further facts are keywords with defaults.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MediaflowsError(Exception):
    """Base of all errors of mediaflows; `str(error)` is one line that a person can act on."""

    word = "failed"  # the row state that this error leads to


class UserError(MediaflowsError):
    """Something that the user can put right; nothing was sent and nothing was spent."""

    word = "invalid"


class SetupError(UserError):
    """A key, a setting or an installed part is missing or wrong."""


class RequestError(UserError):
    """The request as a whole is wrong: template, columns, options, plan."""


class InputError(UserError):
    """One row's own input is wrong: an empty cell, an unreadable file, a value out of range."""


class StepError(MediaflowsError):
    """A step was tried and did not give a result.

    `billed` is the vendor's word on whether it charges for it all the same; None: not known.
    """

    def __init__(self, message: str, *, billed: bool | None = None) -> None:
        super().__init__(message)
        self.billed = billed


class RefusedError(StepError):
    """The provider refuses this request; deterministic, so it is never sent again unchanged."""

    word = "refused"


class JobFailedError(StepError):
    """The provider accepted the job and then failed it; another attempt may succeed."""


class UnavailableError(StepError):
    """Proven not accepted: the same submit may be sent again after `retry_after_seconds`."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, billed=False)
        self.retry_after_seconds = retry_after_seconds


class UncertainError(StepError):
    """A submit whose answer was lost. It is held, never sent again blindly."""

    word = "parked"


class BadReplyError(StepError):
    """The provider answered in a shape that its adapter does not know."""


class RejectedError(StepError):
    """The result came, was paid for, and one of our checks turned it down."""

    word = "rejected"


class StoppedError(StepError):
    """Nothing more is sent: somebody stopped the run, or the row has failed elsewhere."""

    word = "cancelled"


class BudgetError(StepError):
    """Another submit could have cost more than the row may."""


class ParkedError(StepError):
    """The step has not ended: its job runs on, its charge is in doubt or its result is lost."""

    word = "parked"


class ExpiredError(ParkedError):
    """The job or the URL of its result is not known where it should be: too late, or too early."""


def near(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, else a list of what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f" Did you mean {close[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12])
    return f" Known: {shown}, ..." if len(names) > 12 else f" Known: {shown}."
