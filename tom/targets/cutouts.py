"""Draw cutouts once, in a worker, so that the web serves pictures and reads no survey's bytes."""

from django.db import transaction

from tom.forms.registry import survey_of
from tom.sky import UnreadableStampError, draw_stamp, read_stamp
from tom.targets.models import Cutout


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
    declared = survey_of(cutout.program.survey).orientation
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
