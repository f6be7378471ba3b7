"""What every adapter needs to read an answer: facts at a path, and the common status codes.

Pure, as the adapters are. What is here is HTTP's own meaning; a vendor's codes are its adapter's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.adapter import Answer, Output
from providers.errors import (
    BadReplyError,
    ExpiredError,
    MediaflowsError,
    RefusedError,
    SetupError,
    UnavailableError,
    UncertainError,
)
from providers.written import unwrapped

TEXT_PORT = "text"  # of every kind that writes
LONGEST_RETRY_AFTER_SECONDS = 120.0  # a vendor that asks for hours must not hold a row for hours
MESSAGE_CHARACTERS = 300
TEXT_CHARACTERS = 4000  # signed URLs are long; an id of megabytes is a mistake
MOST = Decimal(10) ** 9  # no vendor counts or bills more for one request
REFUSALS = (400, 404, 413, 415, 422)
LOST = (500, 502, 504)  # after a submit these may come from behind a vendor that took it


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long the vendor asks us to stay away: milliseconds, seconds or a date, capped."""
    named = {name.lower(): value for name, value in headers.items()}
    seconds = _number(named.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    elif (written := named.get("retry-after")) is not None:
        seconds = _number(written)
        if seconds is None:
            seconds = _seconds_until(written)
    if seconds is None:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def header(answer: Answer, name: str) -> str | None:
    """Return a header of the answer, whatever case it is written in."""
    return next((value for key, value in answer.headers.items() if key.lower() == name), None)


def is_good(answer: Answer) -> bool:
    """True for the 200s."""
    return 200 <= answer.status < 300


def object_in(answer: Answer, who: str) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        BadReplyError: it is something else.
    """
    if isinstance(answer.body, dict):
        return answer.body
    raise BadReplyError(f"{who} answered {answer.status} with something else than a JSON object")


def text_in(body: Mapping[str, Any], name: str, who: str) -> str:
    """Return a text that must be there: an id, a URL, a status.

    Raises:
        BadReplyError: it is missing, empty, endless or not text.
    """
    value = body.get(name)
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= TEXT_CHARACTERS:
        return value
    raise BadReplyError(f"{who}'s answer has no {name!r}")


def outputs_in(body: Any, paths: Mapping[str, str], who: str) -> tuple[Output, ...]:
    """Return the result on each port; a list stands for its first entry, and one alone for a list.

    On the port `text` it is the text itself, without what a language model wraps around it.

    Raises:
        BadReplyError: there is no URL, or no text, at a port's path.
    """
    return tuple(
        Output(port, text=_text_at(body, path, who))
        if port == TEXT_PORT
        else Output(port, url=_url_at(body, path, who))
        for port, path in paths.items()
    )


def amount_in(value: Any) -> Decimal | None:
    """Return a count or an amount that a vendor states, or None where it states no such thing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MOST else None


def message_in(body: Any) -> str:
    """Return the vendor's own words for what is wrong, in one short line; "" when it gave none."""
    return shortened(_words(body))


def shortened(text: str) -> str:
    """Return `text` in one line of at most 300 characters, all of them printable."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: MESSAGE_CHARACTERS * 4])
    line = " ".join(plain.split())
    return line if len(line) <= MESSAGE_CHARACTERS else line[: MESSAGE_CHARACTERS - 3] + "..."


def submit_error(answer: Answer, who: str, key_variable: str) -> MediaflowsError:
    """Return what an answer to a submit means by its status alone, other than one of the 200s.

    A 503 counts as lost: an adapter whose vendor says that it means "not accepted" asks first.
    """
    status, said = answer.status, _said(answer)
    if problem := _account_problem(answer, who, key_variable):
        return problem
    if status == 429:
        return UnavailableError(
            f"{who} has too many requests of ours (429){said}",
            retry_after_seconds=retry_after_seconds(answer.headers),
        )
    if status in REFUSALS:
        return RefusedError(f"{who} refuses the request ({status}){said}")
    if status in LOST or status in (408, 503):
        return UncertainError(f"{who} answered {status} to a submit: it may have taken it{said}")
    return BadReplyError(f"{who} answered {status} to a submit{said}")


def poll_error(answer: Answer, who: str, key_variable: str) -> MediaflowsError:
    """Return what an answer to a poll, an upload or a look-up means by its status alone."""
    status, said = answer.status, _said(answer)
    if problem := _account_problem(answer, who, key_variable):
        return problem
    if status in (404, 410):
        return ExpiredError(f"{who} does not know this job, or no longer ({status}){said}")
    if status in (408, 425, 429) or status >= 500:
        return UnavailableError(
            f"{who} answered {status}{said}",
            retry_after_seconds=retry_after_seconds(answer.headers),
        )
    return BadReplyError(f"{who} answered {status}{said}")


def upload_error(answer: Answer, who: str, key_variable: str) -> MediaflowsError:
    """Return what an answer to an upload means; unlike a job, a file may be refused."""
    if answer.status in REFUSALS:
        return RefusedError(f"{who} refuses the file ({answer.status}){_said(answer)}")
    return poll_error(answer, who, key_variable)


def _account_problem(answer: Answer, who: str, key_variable: str) -> SetupError | None:
    if answer.status == 401:  # without its words: some vendors repeat a part of the key in them
        return SetupError(
            f"{who} does not accept the key in {key_variable} (401): set a valid one."
        )
    if answer.status == 403:
        return SetupError(f"{who} forbids this with the key in {key_variable} (403){_said(answer)}")
    if answer.status == 402:
        return SetupError(f"{who}: no credit left (402){_said(answer)}. Add credit there.")
    return None


def _said(answer: Answer) -> str:
    words = message_in(answer.body)
    return f": {words}" if words else ""


def _words(body: Any, levels: int = 4) -> str:
    if isinstance(body, str):
        return "" if body.lstrip().startswith("<") else body  # a page says nothing in one line
    if levels == 0:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (_words(item, levels - 1) for item in body[:3])))
    if not isinstance(body, dict):
        return ""
    place = body.get("loc")
    where = ".".join(str(part) for part in place[:6]) if isinstance(place, list) else ""
    for name in ("detail", "message", "msg", "error", "errors", "title"):
        if words := _words(body.get(name), levels - 1):
            return f"{where}: {words}" if where else words
    return ""


def _at(body: Any, path: str) -> Any:
    value = body
    for part in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, str) and part == "0":
            continue  # one alone may come without its list
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _text_at(body: Any, path: str, who: str) -> str:
    text = unwrapped(_at(body, path))
    if not text:
        raise BadReplyError(f"{who}'s result has no text at {path!r}")
    return text


def _url_at(body: Any, path: str, who: str) -> str:
    value = _at(body, path)
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return value
    raise BadReplyError(f"{who}'s result has no URL at {path!r}")


def _number(text: str | None) -> float | None:
    amount = amount_in(text)
    return None if amount is None else float(amount)


def _seconds_until(date: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
