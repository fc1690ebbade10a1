from engine.provenance.fingerprint import iscc, read_fingerprint


def test_a_clip_has_a_video_code_that_other_programs_know(labeled_clip):
    fingerprint = read_fingerprint(labeled_clip.path)

    assert len(fingerprint) == 32
    assert iscc(fingerprint).startswith("ISCC:EMD")


def test_no_fingerprint_of_what_is_no_video(tmp_path):
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")

    assert read_fingerprint(tmp_path / "list.mp4") is None
    assert read_fingerprint(tmp_path / "nothing.mp4") is None
