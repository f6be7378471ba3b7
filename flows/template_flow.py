"""A Prefect flow for each template, with its inputs as a typed form.

The flow is built, not written: its signature is the template's inputs and the run's options.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Annotated, Any, Literal

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import Field

from flows.batch_flow import bad_request, end_state, run_rows
from flows.cells import is_url, value_text
from flows.frozen import start_run
from flows.graph import Graph
from flows.load import load_template
from flows.options import RunOptions
from flows.prepare import Request, prepare
from flows.results import finish_run
from flows.rows import short_text
from flows.sandboxed import sandboxed
from flows.secret_keys import load_secret_keys
from flows.template import Input, Template
from providers.errors import UserError
from tasks.home import find_home
from tasks.ledger import runs
from tasks.services import open_services

PYTHON_TYPES: dict[str, Any] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "json": dict,
}


def template_flow(name: str | Template) -> Flow[..., Any]:
    """Return the flow of a template: one run of it, its inputs as parameters.

    Raises:
        RequestError: no such template, or it is wrong.
    """
    graph = load_template(name)
    signature = _signature(graph)

    async def run_template(*args: Any, **kwargs: Any) -> State[Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options = bound.arguments.pop("options")
        return await _run_once(name, options, bound.arguments)

    python_name = graph.name.replace("-", "_")
    run_template.__signature__ = signature  # type: ignore[attr-defined]
    run_template.__annotations__ = {
        parameter.name: parameter.annotation for parameter in signature.parameters.values()
    }
    run_template.__name__ = run_template.__qualname__ = python_name
    run_template.__doc__ = _description(graph)
    return Flow(
        run_template,
        name=graph.name,
        flow_run_name=_run_name,
        description=graph.template.about,
        version=str(graph.template.version),
        retries=0,
        persist_result=False,
    )


async def _run_once(
    template: str | Template, options: RunOptions, values: dict[str, Any]
) -> State[Any]:
    given = {name: value_text(value) for name, value in values.items() if value is not None}
    request = Request(template, None, options.model_copy(update={"set": given}))
    if not (options.local or options.sandbox):
        await load_secret_keys()
    try:
        with sandboxed(options, find_home()):
            prepare(request)  # a bad request ends here, before anything is written
            return await _run_one_row(request)
    except UserError as error:
        return bad_request(error)


async def _run_one_row(request: Request) -> State[Any]:
    async with open_services(find_home()) as services:
        work = await start_run(request, services.ledger, services.store)
        await services.ledger.do(
            runs.begin, work.run, owner=services.owner.id, flow_run_id=flow_run.id
        )
        await run_rows(work, services, work.run)
        totals, _ = await asyncio.to_thread(finish_run, work, services.ledger, services.store)
    return end_state(totals, request.options)


def _run_name() -> str:
    """The template and the beginning of its first text; of a URL without its signature."""
    texts = (value for value in flow_run.parameters.values() if isinstance(value, str))
    text = next(texts, "")
    text = text.partition("?")[0] if is_url(text) else text
    return " · ".join([str(flow_run.flow_name), short_text(text)]).removesuffix(" · ")


def _signature(graph: Graph) -> inspect.Signature:
    inputs = [_parameter(name, given) for name, given in graph.inputs.items()]
    inputs.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    options = inspect.Parameter(
        "options",
        inspect.Parameter.KEYWORD_ONLY,
        default=RunOptions(),
        annotation=RunOptions,
    )
    return inspect.Signature([*inputs, options])


def _parameter(name: str, given: Input) -> inspect.Parameter:
    default = inspect.Parameter.empty if given.required else given.default
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_annotation(given)
    )


def _annotation(given: Input) -> Any:
    word = given.port_type.word
    kind: Any = PYTHON_TYPES.get(word, str)
    if word == "choice":
        kind = Literal[tuple(given.options)]
    limits = Field(description=given.about, ge=given.minimum, le=given.maximum)
    if given.port_type.is_list:
        kind, limits = list[kind], Field(description=given.about, max_length=given.max)
    if not given.required and given.default is None:
        kind = kind | None
    return Annotated[kind, limits]


def _description(graph: Graph) -> str:
    """Prefect takes the descriptions of a form's fields from the docstring."""
    lines = [f"    {name}: {given.about}" for name, given in graph.inputs.items()]
    fields = "\n".join([*lines, "    options: How the run is done."])
    return f"{graph.template.about}\n\nArgs:\n{fields}\n"
