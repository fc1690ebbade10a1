"""The code of a clip, and that of a copy of it."""

import subprocess

import imageio_ffmpeg

from engine.ledger.registry import NEAR_BITS
from engine.provenance.fingerprint import iscc, read_fingerprint


def apart(one, other):
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def test_a_clip_has_a_video_code_that_other_programs_know(labeled_clip):
    fingerprint = read_fingerprint(labeled_clip.path)

    assert len(fingerprint) == 32
    assert iscc(fingerprint).startswith("ISCC:EMD")


def test_a_mirrored_copy_is_known_in_the_mirror(labeled_clip, tmp_path):
    copy = tmp_path / "mirrored.mp4"
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", "-i", labeled_clip.path, "-vf", "hflip", copy], check=True)
    original = read_fingerprint(labeled_clip.path)

    in_the_mirror, as_seen = (apart(read_fingerprint(copy, mirrored=it), original) for it in (True, False))
    assert in_the_mirror <= NEAR_BITS < as_seen


def test_no_fingerprint_of_what_is_no_video(tmp_path):
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")

    assert read_fingerprint(tmp_path / "list.mp4") is None
    assert read_fingerprint(tmp_path / "nothing.mp4") is None
