"""Weight files: which, from where, with which licence and hash; fetched once, checked, and offline afterwards.

`engine/models.toml` is the catalogue. A file is kept under the models folder, or lies in an installed package; where
it is neither, what needs it is switched off and said so, and only without a required one nothing starts.
"""

from engine.models.catalog import (
    FETCH_COMMAND,
    Catalog,
    Installed,
    ModelFile,
    ModelState,
    Package,
    Source,
    describe,
    find_model,
    find_state,
    load_catalog,
)
from engine.models.fetch import fetch

__all__ = [
    "FETCH_COMMAND",
    "Catalog",
    "Installed",
    "ModelFile",
    "ModelState",
    "Package",
    "Source",
    "describe",
    "fetch",
    "find_model",
    "find_state",
    "load_catalog",
]
