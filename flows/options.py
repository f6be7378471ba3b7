"""What may be chosen for a run besides its template and table; the form that Prefect shows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RunOptions(BaseModel):
    """How a run is done. A key, a price cap or a row never stands here: parameters are public."""

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
    strict: bool = Field(default=False, description="One faulty row refuses the whole table")
    min_success: float = Field(
        default=1.0, ge=0.0, le=1.0, description="The share of rows that must succeed"
    )
