"""What may be chosen for a run besides its template and table; the form that Prefect shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RunOptions(BaseModel):
    """How a run is done. A key or a row never stands here: parameters are public."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    local: bool = Field(
        default=False, description="Play every model on this machine, free, with labelled stand-ins"
    )
    sandbox: str | None = Field(
        default=None, description="Rehearse against a sandbox: calm, fast, flaky or hostile"
    )
    provider: tuple[str, ...] = Field(
        default=(), description="Use only these providers, in this order"
    )
    use: dict[str, str] = Field(
        default_factory=dict, description="Step -> model or model@provider, instead of its own"
    )
    take: int = Field(default=1, ge=1, description="2, 3, ...: pay for another result on purpose")
    takes: dict[str, int] = Field(
        default_factory=dict, description="Step -> its own take, as `--fresh` has fixed it"
    )
    fresh: tuple[str, ...] = Field(
        default=(), description="Steps to pay anew for on purpose: their next unused take"
    )
    from_step: str | None = Field(
        default=None, description="Take every result before this step as it is, and make none"
    )
    map: dict[str, str] = Field(
        default_factory=dict, description="Input -> column, where their names differ"
    )
    set: dict[str, str] = Field(
        default_factory=dict, description="Input -> one value for every row"
    )
    id_col: str | None = Field(default=None, description="The column that names the rows")
    jobs: int = Field(default=20, ge=1, le=1000, description="Rows in flight")
    breaker: bool = Field(
        default=True, description="Stop when the first ten rows all fail the same way"
    )
    max_cost: Decimal | None = Field(default=None, ge=0, description="USD that the run may cost")
    max_cost_per_row: Decimal | None = Field(
        default=None, ge=0, description="USD that each row may cost"
    )
    allow_unpriced: bool = Field(
        default=False, description="Under a cap, use models whose price nobody knows, as if free"
    )
    on_uncertain: Literal["hold", "resubmit"] = Field(
        default="hold", description="A submit whose answer was lost: hold the row, or pay anew"
    )
    on_lost: Literal["hold", "resubmit"] = Field(
        default="hold", description="A paid result that is gone: hold the row, or pay anew"
    )
    drain: float = Field(
        default=30.0, ge=0, description="Seconds that a stopped run waits for what it has paid for"
    )
    strict: bool = Field(default=False, description="Faulty rows and lints refuse the whole run")
    min_success: float = Field(
        default=1.0, ge=0.0, le=1.0, description="The share of rows that must succeed"
    )

    @property
    def is_capped(self) -> bool:
        """True when the run, or a row of it, may not cost more than a stated amount."""
        return self.max_cost is not None or self.max_cost_per_row is not None

    def take_of(self, step: str) -> int:
        """Return the take that is asked of a step."""
        return self.takes.get(step, self.take)
