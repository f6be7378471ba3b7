"""The catalog: what is known of every model, as dated data with sources."""

from providers.catalog.files import (
    all_models,
    load_model,
    local_player,
    model_names,
    names_of_kind,
    read_model,
)
from providers.catalog.price import Quote, quote
from providers.catalog.schema import Binding, Model, Parameter

__all__ = [
    "Binding",
    "Model",
    "Parameter",
    "Quote",
    "all_models",
    "load_model",
    "local_player",
    "model_names",
    "names_of_kind",
    "quote",
    "read_model",
]
