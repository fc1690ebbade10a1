"""Every move begins at the photo, never looks outside it, and moves what is near more than what is far."""

import numpy as np
import pytest

from engine.renderers.scene.camera import MOVES, Camera

WIDTH, HEIGHT = 720, 1280
X, Y = (axis.astype(np.float32) for axis in np.meshgrid([0, 100, 359.5, 600, 719], [0, 300, 640, 1000, 1279]))
CODES = sorted(MOVES)


def camera(code, *, amount=1.0, focus=(0.5, 0.5)):
    return Camera(code, amount, focus, WIDTH, HEIGHT)


@pytest.mark.parametrize("code", sorted(set(CODES) - {"pull_out"}))
@pytest.mark.parametrize("depth", [0.0, 1.0])
def test_the_first_frame_is_the_photo(code, depth):
    move = camera(code, focus=(0.3, 0.7))

    x, y = move.look(move.pose(0, 0), X, Y, depth)

    assert np.allclose(x, X, atol=1e-3)
    assert np.allclose(y, Y, atol=1e-3)


def test_pulling_out_ends_at_the_photo():
    move = camera("pull_out")

    x, y = move.look(move.pose(1, 4), X, Y, 0.5)

    assert np.allclose(x, X, atol=1e-3)
    assert np.allclose(y, Y, atol=1e-3)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("amount", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.2, 0.8), (0.8, 0.2)])
def test_no_move_looks_outside_the_photo(code, amount, focus):
    move = camera(code, amount=amount, focus=focus)

    for share in np.linspace(0, 1, 33):
        for depth in (0.0, 0.5, 1.0):
            x, y = move.look(move.pose(share, 4 * share), X, Y, depth)
            slack = 4 if code == "handheld" else 1e-2  # its roll turns the corners out a little
            assert x.min() > -slack
            assert x.max() < WIDTH - 1 + slack
            assert y.min() > -slack
            assert y.max() < HEIGHT - 1 + slack


@pytest.mark.parametrize("code", sorted(set(CODES) - {"static"}))
def test_near_and_far_part(code):
    move = camera(code)

    pose = move.pose(0.3, 1.2)
    far, near = (np.stack(move.look(pose, X, Y, depth)) for depth in (0.0, 1.0))
    assert np.abs(far - near).max() > 2


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("depth", [0.0, 0.7])
def test_placing_is_the_inverse_of_looking(code, depth):
    move = camera(code, focus=(0.4, 0.6))
    pose = move.pose(0.6, 2.4)

    x, y = move.place(pose, *move.look(pose, X, Y, depth), depth=depth)

    assert np.allclose(x, X, atol=0.05)
    assert np.allclose(y, Y, atol=0.05)


def test_left_and_right_are_the_camera_s():
    """When the camera goes right, the picture goes left: the middle shows what was right of it."""
    for code, direction in (("pan_right", 1), ("pan_left", -1)):
        move = camera(code)
        x, _ = move.look(move.pose(1, 4), np.float32([[360]]), np.float32([[640]]), 0.5)
        assert (x[0, 0] - 360) * direction > 5
