"""One row on its way through the graph: its halt, its calls, and what is reused on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flows.admission import Admission
from flows.finishing import unrun
from flows.frozen import Work
from flows.graph import GraphStep
from flows.recall import KnownRow
from flows.resolve import Ready
from flows.routes import candidates
from flows.rows import ReadyRow
from flows.runner import RowOutcome, run_row
from flows.worst_case import Done
from providers.errors import InputError
from tasks.candidate import StepCall, Terms
from tasks.halt import Halt
from tasks.invoke import Perform, StepResult, Wish, invoke, is_whole
from tasks.keep import keep_file
from tasks.ledger.attempt import Attempt, Place
from tasks.services import Services


@dataclass(slots=True)
class Ride:
    """A row in flight. `sent` counts what it asked for and the ledger did not have."""

    services: Services
    work: Work
    admission: Admission
    perform: Perform
    row: ReadyRow
    known: KnownRow
    halt: Halt = field(default_factory=Halt)
    sent: int = 0
    _done: Done = field(default_factory=Done)

    async def run(self) -> RowOutcome:
        """Return how the row ended; never raises for an error of a step."""
        self._done = self.known.done
        try:
            for path, media in self.row.files:
                if not self.services.store.has(media.sha256):
                    await keep_file(self.services.store, path, media)
        except InputError as error:
            return unrun("invalid", str(error))
        return await run_row(self.work.graph, self.row.inputs, self._do_step, self.halt)

    async def _do_step(self, step: GraphStep, number: int, ready: Ready) -> StepResult:
        call = self._call(step, number, ready)
        known = self.known.results.get((step.name, number))
        if known is not None and await is_whole(self.services, known.attempt):
            # This run has it already, whatever today's catalog and keys say.
            await self._perform(self.services, _reuse(call, known.attempt))
            return known
        result = await invoke(self.services, call, self._perform)
        self._done = replace(self._done, items=self._done.items | {(step.name, number)})
        self.admission.step_ended(self.row, self._done)
        return result

    async def _perform(self, services: Services, wish: Wish) -> Attempt:
        self.sent += wish.known is None
        return await self.perform(services, wish)

    def _call(self, step: GraphStep, number: int, ready: Ready) -> StepCall:
        options = self.work.options
        return StepCall(
            place=Place(self.work.run, self.row.id, step.name, number),
            label=self.row.label,
            candidates=candidates(
                step,
                self.work.routes[step.name],
                ready.ports,
                ready.parameters,
                options.take_of(step.name),
            ),
            ports={name: port.type.word for name, port in step.kind.outputs.items()},
            terms=Terms(
                round=self.admission.rounds.get(self.row.id, 0),
                resubmit_uncertain=options.on_uncertain == "resubmit",
                resubmit_lost=options.on_lost == "resubmit",
                row_cap=self.admission.row_cap(self.row),
            ),
            halt=self.halt,
        )


def _reuse(call: StepCall, attempt: Attempt) -> Wish:
    made_by = (one for one in call.candidates if one.key == attempt.key)
    return Wish(call, next(made_by, call.candidates[0]), 1, known=attempt)
