"""Supervised child processes: a fresh interpreter that may die, hang or lie without taking the engine along.

The engine starts a module by name (`child.Child.start`); in the new process `inside.enter` runs first and calls
that module's `main(link)`. Between them is one socket with the frames of `wire`. `kept.Kept` starts a child
again whenever it ends.

What every child has: its own session and process group, SIGKILL when the engine dies, an environment without
paths and secrets, no descriptor but its socket, no way to new privileges, no core dumps (they would hold
photos), one BLAS thread. What reads a stranger's bytes is closed as well: `sandbox`.
"""

from engine.children.child import Child, ChildGone
from engine.children.inside import Link, error_place
from engine.children.kept import Kept, in_background
from engine.children.wire import Fell, Limits, Sandbox, Warm

__all__ = [
    "Child",
    "ChildGone",
    "Fell",
    "Kept",
    "Limits",
    "Link",
    "Sandbox",
    "Warm",
    "error_place",
    "in_background",
]
