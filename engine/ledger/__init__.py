"""What is promised to survive: jobs (what is) and events (what happened), in one SQLite file with one owner.

Rules that were measured (docs/decisions/0003): one writing connection on one thread, WAL with `synchronous=FULL`,
every write inside `BEGIN IMMEDIATE`, group commit; reads through a second, read-only connection, so that no half of a
group commit is ever seen. `flock` plus a boot epoch: a start puts back what an earlier start was running. `finish`
is a compare-and-set on (id, running, attempt, epoch): a late result of a lost attempt changes nothing.
"""

from engine.ledger.backups import Backups
from engine.ledger.front import Ledger
from engine.ledger.operators import read_figures
from engine.ledger.records import Erased, Job, JobRow, KnownClip, Limits
from engine.ledger.registry import RegistryFile
from engine.ledger.verbs import Verbs

__all__ = [
    "Backups",
    "Erased",
    "Job",
    "JobRow",
    "KnownClip",
    "Ledger",
    "Limits",
    "RegistryFile",
    "Verbs",
    "read_figures",
]
