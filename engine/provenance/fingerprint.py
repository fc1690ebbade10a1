"""The fingerprint of a clip: its ISCC Video-Code, 256 bits that stay near each other when a clip is encoded anew.

ISO 24138 makes it of MPEG-7 frame signatures, five a second. They come from ffmpeg's `signature` filter, which PyAV's
FFmpeg lacks, so a program of another package is run, which decodes one file and opens no connection. A picture of a
person shows in its fingerprint to whom has the picture: it is kept and erased like the clip's other traces.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ALGORITHM = "io.iscc.v0"
"""On the C2PA list of soft bindings."""

BITS = 256
_FRAMES_PER_SECOND = 5
_MOST_SECONDS = 60
"""Of a video that are looked at."""

_SIGNATURE = re.compile(rb"<FrameSignature>([\d\s]+)</FrameSignature>")


def read_fingerprint(path: Path, *, mirrored: bool = False, timeout_seconds: float = 30.0) -> bytes | None:
    """32 bytes; None where no video could be decoded in time. The file may be a stranger's, where the process is limited.

    `mirrored` reads the pictures the other way round: the code of a mirrored copy is far from its original's.
    """
    import imageio_ffmpeg
    import iscc_core

    turn = "hflip," if mirrored else ""
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "quiet", "-threads", "1"),
        *("-protocol_whitelist", "file", "-format_whitelist", "mov,matroska", "-t", str(_MOST_SECONDS)),
        *("-i", f"file:{path}", "-an", "-sn", "-dn", "-filter_threads", "1"),
        *(
            "-vf",
            f"fps={_FRAMES_PER_SECOND},{turn}signature=format=xml:filename=/dev/stdout",
            "-f",
            "null",
            "-",
        ),
    ]
    try:
        done = subprocess.run(
            command, check=True, timeout=timeout_seconds, stdin=subprocess.DEVNULL, capture_output=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    frames = [tuple(map(int, it.split())) for it in _SIGNATURE.findall(done.stdout)]
    return bytes(iscc_core.soft_hash_video_v0(frames, bits=BITS)) if frames else None


def iscc(fingerprint: bytes) -> str:
    """As other programs write it: "ISCC:…"."""
    import iscc_core

    code = iscc_core.encode_component(
        mtype=iscc_core.MT.CONTENT,
        stype=iscc_core.ST_CC.VIDEO,
        version=iscc_core.VS.V0,
        bit_length=BITS,
        digest=fingerprint,
    )
    return f"ISCC:{code}"
