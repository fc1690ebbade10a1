"""The engine's HTTP interface: `door` is the table of routes, `bodies` reads what comes, `problems` says what is wrong."""

from engine.api.door import Door

__all__ = ["Door"]
