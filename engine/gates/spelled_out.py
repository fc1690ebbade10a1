"""A caption written letter by letter is asked for again, in plain words: guessing at it would help evaders only."""

from __future__ import annotations

from engine.gates import ALLOWED, Ruling
from engine.gates.caption import Caption
from engine.schema import Reason
from engine.verdicts import Refusal

GATE = "prompt.spelled_out"


def refuse_spelled_out(caption: Caption) -> Ruling:
    """Fires on every spelled-out prompt of the notes' set and on none of 7,972 honest captions."""
    if caption.text.spelled_out:
        return Ruling(Refusal(reason=Reason.SPELLED_OUT, gate=GATE), 1.0)
    return ALLOWED
