from pathlib import Path

import pytest

from engine.media.clip import LabeledClip
from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import SigningKeys, load_keys


@pytest.fixture(scope="session")
def signing_keys(keys_folder: Path) -> SigningKeys:
    return load_keys(keys_folder)


@pytest.fixture
def signer(signing_keys: SigningKeys):
    made = ClipSigner(signing_keys)
    yield made
    made.close()


@pytest.fixture
def signed(signer: ClipSigner, labeled_clip: LabeledClip, tmp_path: Path) -> Path:
    """A signed clip in a folder of its own."""
    (tmp_path / "clips").mkdir()
    signer.sign(labeled_clip, to=tmp_path / "clips" / "signed.mp4")
    return tmp_path / "clips" / "signed.mp4"
