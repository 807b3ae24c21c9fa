"""Light curves of outbursts with a known shape, and some real ones."""

from pathlib import Path

import numpy as np

from ml_plugins.outbursts.known import Known, read_known
from tests.scoring.curves import make_curve
from tom.scoring.contract import Curve


def supernova(
    name: str = "one",
    *,
    width: float = 15.0,
    colour: float = 0.1,
    reddens: float = 0.02,
    first: float = -14.0,
    last: float = 40.0,
    **known: object,
) -> Curve:
    """A parabola in magnitudes around 18 at day 0 in r, seen every two days from `first` on."""
    points = [
        (day + lag, band, 18 + (day / width) ** 2 + (colour + reddens * day) * (band == "g"))
        for day in np.arange(first, last + 0.1, 2.0)
        for lag, band in ((0.0, "g"), (0.02, "r"))
    ]
    return make_curve(name, points, error_fraction=0.02, as_of=61100.0, **known)


def some_real(real_data: Path, classes: tuple[str, ...], *, most: int = 25) -> Known:
    """A few real light curves with their types."""
    files = (real_data / "ml" / f"ztf_bts_{what}.parquet" for what in ("lc", "meta"))
    known = read_known(*files, classes=classes, column="type")
    rows = np.linspace(0, len(known.batch) - 1, most).astype(int)
    return Known(
        known.batch.take(rows),
        [known.classes[row] for row in rows],
        [known.objects[row] for row in rows],
    )
