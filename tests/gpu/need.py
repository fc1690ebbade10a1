"""The mark of every test here: skipped, with the reason, where there is no GPU."""

import importlib.util

import pytest


def why_not() -> str:
    if importlib.util.find_spec("diffusers") is None:
        return "torch and diffusers are an extra: scripts/setup gpu"
    import torch

    return "" if torch.cuda.is_available() else "there is no GPU that torch can use"


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "never")
