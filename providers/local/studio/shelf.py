"""The shelf: every thing that the stand-in photographer can put on its table, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from providers.local.studio import goods, vessels
from providers.local.studio.look import Look
from providers.local.studio.render import Subject

SHELF: Mapping[str, Callable[[Look], Subject]] = {
    "armchair": goods.armchair,
    "bag": goods.bag,
    "books": goods.books,
    "bottle": vessels.bottle,
    "bowl": vessels.bowl,
    "candle": vessels.candle,
    "flask": vessels.flask,
    "lamp": vessels.lamp,
    "mug": vessels.mug,
    "parcel": goods.parcel,
    "plant": vessels.plant,
    "shoe": goods.shoe,
    "soap": goods.soap,
    "sphere": vessels.sphere,
    "sunglasses": goods.sunglasses,
    "vase": vessels.vase,
    "watch": goods.watch,
}
