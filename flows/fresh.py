"""`--fresh STEP`: pay for a step anew on purpose, once: its next take that nobody has asked for.

The take is fixed when the run is planned and frozen with it, so that `resume` does not climb.
"""

from __future__ import annotations

from dataclasses import replace

from flows.prepare import Prepared
from flows.recall import Asking, open_items, recall, wishes
from providers.errors import RequestError, near
from tasks.ledger import Ledger, lookup
from tasks.store import Store


async def fix_takes(prepared: Prepared, ledger: Ledger | None, store: Store) -> Prepared:
    """Return the request with a take for each step that is to be fresh.

    Raises:
        RequestError: there is no such step.
    """
    names = [step.name for step in prepared.graph.steps]
    for name in prepared.options.fresh:
        if name not in names:
            raise RequestError(
                f"--fresh {name}: {prepared.graph.name} has no step {name!r}.{near(name, names)}"
            )
    wanted = [name for name in names if name in prepared.options.fresh]  # in the graph's order
    options = prepared.options.model_copy(update={"fresh": ()})
    prepared = replace(prepared, options=options)
    for name in wanted if ledger is not None else ():
        assert ledger is not None
        take = await _unused(prepared, ledger, store, name)
        takes = {**prepared.options.takes, name: take}
        prepared = replace(prepared, options=prepared.options.model_copy(update={"takes": takes}))
    return prepared


async def _unused(prepared: Prepared, ledger: Ledger, store: Store, name: str) -> int:
    good = {row.id: row.inputs for row in prepared.rows if not row.faults}
    options, graph = prepared.options, prepared.graph
    known = await recall(ledger, store, graph, prepared.routes, good, options=options)
    step = graph.step(name)
    take = max(options.take_of(name), step.take)
    while True:
        asking = Asking(graph, step, prepared.routes[name], take)
        found = wishes(asking, open_items(asking, good, known))
        keys = {candidate.key for candidates in found.values() for candidate in candidates}
        if not await ledger.do(lookup.are_asked, sorted(keys)):
            return take
        take += 1
