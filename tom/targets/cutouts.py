"""Draw cutouts once, in a worker, so that the web serves pictures and reads no survey's bytes."""

from typing import Final

from django.db import transaction

from tom.sky import Orientation, UnreadableStampError, draw_stamp, read_stamp
from tom.targets.models import Cutout

# How surveys lay their stamps whose headers do not say: steps of one pixel on the sky, arcsec.
ORIENTATIONS: Final = {
    # North is down and east to the left as FITS files are shown: a mirror image of the sky.
    "ZTF": Orientation(east_x=-1.01, east_y=0.0, north_x=0.0, north_y=-1.01),
}


def draw_due(*, most: int) -> int:
    """Draw up to `most` cutouts that have no picture yet; return how many were due.

    Each ends with its picture, or with the reason why it has none. Safe to run twice at once.
    """
    with transaction.atomic():
        rows = Cutout.objects.due().select_for_update(skip_locked=True, of=("self",), no_key=True)
        due = list(rows.select_related("target", "program").order_by("pk")[:most])
        for cutout in due:
            _draw(cutout)
        Cutout.objects.bulk_update(due, ["png", "width_arcsec", "fault"], batch_size=100)
    return len(due)


def _draw(cutout: Cutout) -> None:
    declared = ORIENTATIONS.get(cutout.program.survey)
    ra, dec = cutout.target.ra or 0.0, cutout.target.dec or 0.0
    place = (cutout.middle_x, cutout.middle_y)
    middle = None if place[0] is None or place[1] is None else (place[0], place[1])
    try:
        stamp = read_stamp(bytes(cutout.fits), ra=ra, dec=dec, declared=declared, middle=middle)
        picture = draw_stamp(stamp)
    except UnreadableStampError as error:
        cutout.fault = str(error)[:200]
    else:
        cutout.png, cutout.width_arcsec = picture.png, picture.width_arcsec
