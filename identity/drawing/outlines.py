"""
The outline of each kind of identity, so that colour is not all that tells them apart.
"""

from identity.drawing.sketch import Shape


def outline(shape: Shape, x: float, y: float, width: float, height: float) -> str:
    """
    Return the path of a shape within a rectangle.
    """
    if shape in {Shape.ANONYMOUS, Shape.GENERATED}:
        return _round(x, y, width, height, height / 2)
    if shape is Shape.EMAIL:
        return _pointed(x, y, width, height, min(9, height / 2))
    if shape is Shape.PLACEHOLDER:
        return _chamfered(x, y, width, height, min(8, height / 3))
    if shape is Shape.PHONE:
        return f"M{x + 9:.1f} {y:.1f}H{x + width:.1f}L{x + width - 9:.1f} {y + height:.1f}H{x:.1f}Z"
    return _round(x, y, width, height, 3)


def _round(x: float, y: float, width: float, height: float, r: float) -> str:
    right, bottom = width - 2 * r, height - 2 * r
    corner = f"a{r:g} {r:g} 0 0 1 "
    return (
        f"M{x + r:.1f} {y:.1f}h{right:.1f}{corner}{r:g} {r:g}v{bottom:.1f}{corner}-{r:g} {r:g}"
        f"h-{right:.1f}{corner}-{r:g} -{r:g}v-{bottom:.1f}{corner}{r:g} -{r:g}z"
    )


def _pointed(x: float, y: float, width: float, height: float, tip: float) -> str:
    half = height / 2
    return (
        f"M{x + tip:.1f} {y:.1f}h{width - 2 * tip:.1f}l{tip:g} {half:g}l-{tip:g} {half:g}"
        f"h-{width - 2 * tip:.1f}l-{tip:g} -{half:g}z"
    )


def _chamfered(x: float, y: float, width: float, height: float, cut: float) -> str:
    across, down = width - 2 * cut, height - 2 * cut
    return (
        f"M{x + cut:.1f} {y:.1f}h{across:.1f}l{cut:.1f} {cut:.1f}v{down:.1f}l-{cut:.1f} {cut:.1f}"
        f"h-{across:.1f}l-{cut:.1f} -{cut:.1f}v-{down:.1f}z"
    )
