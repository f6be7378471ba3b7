"""One row on its way through the graph: its halt, its calls, and what is reused on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.admission import Admission
from flows.finishing import unrun
from flows.frozen import Work
from flows.graph import GraphStep
from flows.resolve import Ready
from flows.routes import candidates
from flows.rows import ReadyRow
from flows.runner import RowOutcome, StepEnd, run_row
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
    known: Mapping[str, StepEnd]
    halt: Halt = field(default_factory=Halt)
    sent: int = 0
    _ended: frozenset[str] = frozenset()

    async def run(self) -> RowOutcome:
        """Return how the row ended; never raises for an error of a step."""
        self._ended = frozenset(self.known)
        try:
            for path, media in self.row.files:
                if not self.services.store.has(media.sha256):
                    await keep_file(self.services.store, path, media)
        except InputError as error:
            return unrun("invalid", str(error))
        return await run_row(self.work.graph, self.row.inputs, self._do_step, self.halt)

    async def _do_step(self, step: GraphStep, ready: Ready) -> StepResult:
        call = self._call(step, ready)
        known = self.known[step.name].result if step.name in self.known else None
        if known is not None and await is_whole(self.services, known.attempt):
            # This run has it already, whatever today's catalog and keys say.
            await self._perform(self.services, _reuse(call, known.attempt))
            return known
        result = await invoke(self.services, call, self._perform)
        self._ended |= {step.name}
        self.admission.step_ended(self.row, self._ended)
        return result

    async def _perform(self, services: Services, wish: Wish) -> Attempt:
        self.sent += wish.known is None
        return await self.perform(services, wish)

    def _call(self, step: GraphStep, ready: Ready) -> StepCall:
        options = self.work.options
        return StepCall(
            place=Place(self.work.run, self.row.id, step.name),
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
            checks=step.checked,
            halt=self.halt,
        )


def _reuse(call: StepCall, attempt: Attempt) -> Wish:
    made_by = (one for one in call.candidates if one.key == attempt.key)
    return Wish(call, next(made_by, call.candidates[0]), 1, known=attempt)
