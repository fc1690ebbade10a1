"""A drawn face that the engine's detector takes for one, so that no real person's photo is in the repository."""

import io

from PIL import Image, ImageDraw, ImageFilter

SKIN, SHADE, HAIR = (224, 172, 140), (180, 138, 112), (60, 40, 28)
CENTRE = (180, 200)


def a_portrait() -> bytes:
    """360×480, a face of about 170 pixels under a light sky."""
    picture = Image.new("RGB", (360, 480), (130, 170, 225))
    draw = ImageDraw.Draw(picture)

    def oval(x: int, y: int, rx: int, ry: int, colour: tuple[int, int, int]) -> None:
        left, top = CENTRE[0] + x, CENTRE[1] + y
        draw.ellipse((left - rx, top - ry, left + rx, top + ry), fill=colour)

    oval(0, 150, 95, 75, (60, 80, 120))
    draw.rectangle((CENTRE[0] - 25, CENTRE[1] + 70, CENTRE[0] + 25, CENTRE[1] + 115), fill=SHADE)
    oval(0, -15, 80, 98, HAIR)
    oval(0, 8, 64, 83, SKIN)
    for side in (-1, 1):
        oval(side * 27, -8, 13, 7, (250, 250, 250))
        oval(side * 27, -8, 6, 6, (60, 40, 30))
        brow = CENTRE[0] + side * 27
        draw.arc((brow - 17, CENTRE[1] - 31, brow + 17, CENTRE[1] - 20), 180, 360, fill=HAIR, width=5)
    draw.line((CENTRE[0] - 2, CENTRE[1], CENTRE[0] - 7, CENTRE[1] + 28), fill=SHADE, width=4)
    draw.pieslice((CENTRE[0] - 12, CENTRE[1] + 19, CENTRE[0] + 12, CENTRE[1] + 35), 0, 180, fill=SHADE)
    oval(0, 52, 23, 7, (170, 70, 70))
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.2)).save(out, "JPEG", quality=92)
    return out.getvalue()
