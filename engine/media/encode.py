"""A rendered clip into an mp4 that messengers play: H.264, yuv420p, BT.709, `+faststart`, AAC where there is sound.

Frames are made in the caller's thread while the encoder works in another; libx264, OpenCV and most of numpy let go
of the interpreter, so that both run at once. The same frames give the same bytes: the number of encoder threads is
fixed, what x264 would leave to chance is switched off, and no date is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from engine.errors import RenderFailed
from engine.media.clip import Frame, Plane, RenderedClip

CRF = 21
PRESET = "veryfast"
ENCODER_THREADS = 4
"""x264's output depends on the number of its threads; more than four gain nothing at 720p.

They work on whole frames: x264's threads on slices of one frame race, and give other bytes now and then.
"""

WITHOUT_AVX512 = "asm=AVX2,FMA3,BMI2"
"""For processors with AVX-512: there, x264 165 reads memory that was never set (in mbtree, where a row of macroblocks
is no multiple of 16), and the same frames give other bytes. Without it they are those of a processor that has none."""

FRAMES_WAITING = 3
"""How far rendering may run ahead; three hide an uneven frame, more only cost memory (1.4 MB each at 720p)."""

SOUND_RATE = 48_000
SOUND_BITS_PER_SECOND = 128_000
_SOUND_CHUNK = 1024  # samples of an AAC frame
_BT709 = 1  # ISO/IEC 23091-2: primaries, transfer and matrix have the same number
_LIMITED_RANGE = 1

Stamp = Callable[[Frame], None]


def write_mp4(
    clip: RenderedClip,
    path: Path,
    *,
    stamp: Stamp | None = None,
    on_frame: Callable[[int], None] | None = None,
) -> None:
    """Read the clip's frames, stamp each in place, encode; `on_frame` hears how many frames were handed over.

    Whatever the frames, the stamp or the encoder raise comes out here, and the unfinished file is removed.
    Raises RenderFailed when the renderer yields another number of frames, or of another size, than it said.
    """
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            encoder = _Encoder(container, clip)
            _encode_frames(encoder, clip, stamp=stamp, on_frame=on_frame)
            encoder.finish()
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _encode_frames(
    encoder: _Encoder, clip: RenderedClip, *, stamp: Stamp | None, on_frame: Callable[[int], None] | None
) -> None:
    """A future carries the encoder's exception back; leaving the block waits for what it still works on."""
    waiting: deque[Future[None]] = deque()
    count = 0
    with ThreadPoolExecutor(1, thread_name_prefix="encode") as thread:
        for count, frame in enumerate(clip.frames, start=1):
            if stamp is not None:
                stamp(frame)
            waiting.append(thread.submit(encoder.encode, frame))
            if len(waiting) > FRAMES_WAITING:
                waiting.popleft().result()
            if on_frame is not None:
                on_frame(count)
        for future in waiting:
            future.result()
    if count != clip.frame_count:
        raise RenderFailed(f"{clip.renderer} promised {clip.frame_count} frames and made {count}")


class _Encoder:
    """The streams of one open mp4. Not for two threads at once."""

    def __init__(self, container: av.container.OutputContainer, clip: RenderedClip) -> None:
        self._container = container
        self._size = (clip.height, clip.width)
        self._video = container.add_stream("libx264", rate=clip.frames_per_second)
        _configure(self._video, clip)
        self._sound = clip.sound
        self._audio = container.add_stream("aac", rate=SOUND_RATE) if clip.sound is not None else None
        if self._audio is not None:
            self._audio.layout = "stereo"
            self._audio.bit_rate = SOUND_BITS_PER_SECOND

    def encode(self, frame: Frame) -> None:
        if frame.y.shape != self._size:
            raise RenderFailed(f"a frame of {frame.y.shape} in a clip of {self._size}")
        self._container.mux(self._video.encode(_picture(frame)))

    def finish(self) -> None:
        """What the encoder still holds, then the sound."""
        self._container.mux(self._video.encode(None))
        if self._audio is not None and self._sound is not None:
            for number, samples in enumerate(_chunks(self._sound)):
                self._container.mux(self._audio.encode(_samples(samples, start=number * _SOUND_CHUNK)))
            self._container.mux(self._audio.encode(None))


def _configure(stream: av.VideoStream, clip: RenderedClip) -> None:
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
    settings: dict[str, str] = {"preset": PRESET, "crf": str(CRF), "profile": "high"}
    stream.options = {**settings, **_steady_instructions()}
    context = stream.codec_context
    context.thread_count, context.thread_type = ENCODER_THREADS, "FRAME"
    context.gop_size = 2 * clip.frames_per_second
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED_RANGE


@cache
def _steady_instructions() -> dict[str, str]:
    """x264's options for this processor; outside Linux nothing is known of it, and nothing is changed."""
    about = Path("/proc/cpuinfo")
    has_avx512 = about.is_file() and "avx512f" in about.read_text(encoding="utf-8", errors="replace")
    return {"x264-params": WITHOUT_AVX512} if has_avx512 else {}


def _picture(frame: Frame) -> av.VideoFrame:
    height, width = frame.y.shape
    picture = av.VideoFrame(width, height, "yuv420p")
    for target, plane in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
        _copy_rows(target, plane)
    return picture


def _copy_rows(target: av.video.plane.VideoPlane, plane: Plane) -> None:
    """FFmpeg pads its rows."""
    rows = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)
    rows[: plane.shape[0], : plane.shape[1]] = plane


def _chunks(sound: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [sound[start : start + _SOUND_CHUNK] for start in range(0, len(sound), _SOUND_CHUNK)]


def _samples(samples: NDArray[np.float32], *, start: int) -> av.AudioFrame:
    planes = np.ascontiguousarray(samples.T, dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = SOUND_RATE, start
    return frame
