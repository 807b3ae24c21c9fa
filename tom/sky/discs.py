"""Many small discs on the sky at once: the ranges that cover them, and who lies in which."""

from dataclasses import dataclass

import numpy as np

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.healpix import ORDER, cells_around, merge_ranges, separation_arcsec, unit_vectors

# What vectors are rounded by, and more: the exact separation decides.
CHORD_MARGIN = 1e-9


@dataclass(frozen=True, eq=False)
class Discs:
    """Discs: their middles in ICRS degrees and their radii in arcsec, each of shape `(m,)`."""

    ra: FloatArray
    dec: FloatArray
    radius_arcsec: FloatArray

    def ranges(self) -> IntArray:
        """Return nested order-29 ranges that surely cover all discs.

        Returns
        -------
        numpy.ndarray
            int64, shape `(k, 2)`: start and exclusive stop, sorted; the ranges do not touch.
        """
        # Radii that are nearly alike have their cells found at once.
        sizes = np.exp2(np.ceil(np.log2(self.radius_arcsec)))
        found = [np.empty((0, 2), np.int64)]
        for size in np.unique(sizes):
            of = sizes == size
            cells, level = cells_around(self.ra[of], self.dec[of], radius_arcsec=float(size))
            pixels, shift = np.unique(cells[cells >= 0]), 2 * (ORDER - level)
            found.append(np.column_stack([pixels << shift, (pixels + 1) << shift]))
        return merge_ranges(np.concatenate(found))

    def nearest(self, ra: FloatArray, dec: FloatArray) -> tuple[IntArray, FloatArray]:
        """Find, for each direction, the nearest of the discs that hold it.

        Parameters
        ----------
        ra, dec
            ICRS degrees, shape `(n,)`.

        Returns
        -------
        numpy.ndarray
            int64, shape `(n,)`: the row of the disc; -1: none holds the direction.
        numpy.ndarray
            Arcsec to its middle, shape `(n,)`; NaN: none.
        """
        from scipy.spatial import cKDTree  # slow to import

        rows, away = np.full(len(ra), -1, np.int64), np.full(len(ra), np.nan)
        if not len(ra) or not len(self.ra):
            return rows, away
        chords = 2 * np.sin(np.radians(self.radius_arcsec / 3600) / 2) + CHORD_MARGIN
        held = cKDTree(unit_vectors(ra, dec)).query_ball_point(
            unit_vectors(self.ra, self.dec), chords
        )
        disc = np.repeat(np.arange(len(self.ra)), [len(each) for each in held])
        point = np.array([at for each in held for at in each], np.int64)
        apart = separation_arcsec(ra[point], dec[point], self.ra[disc], self.dec[disc])
        inside = apart <= self.radius_arcsec[disc]
        disc, point, apart = disc[inside], point[inside], apart[inside]
        # The farthest first: what is written last stays. Of two as near, the first disc.
        order = np.lexsort([-disc, -apart])
        rows[point[order]], away[point[order]] = disc[order], apart[order]
        return rows, away
