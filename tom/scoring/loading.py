"""Load the inputs other than light curves, as far as each light curve's readers may see them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db.models import Q
from tom_dataproducts.models import SpectroscopyReducedDatum

from tom.formats.fits_image import UnreadableStampError, read_image
from tom.galaxies.association import look_for_galaxies
from tom.scoring.curves import Key, Summary, key_of, mjd_of
from tom.scoring.inputs import ON_REQUEST, Classified, Host, Listed, Spectrum, base_of
from tom.targets.classified import Classification
from tom.targets.models import Arrival, Audience, Cutout, Program, TargetSummary
from tom.targets.objects import ObjectKey, SurveyObject
from tom.targets.packet_stamps import read_stamps
from tom.targets.redshifts import given_redshifts

Given = dict[Key, Any]


def wanted(inputs: Iterable[str]) -> list[str]:
    """Return the base names of those inputs of a scorer that are loaded on request."""
    asked = {base_of(name) for name in inputs}
    return [name for name in ON_REQUEST if name in asked and name != "event"]


def load(names: Sequence[str], summaries: Collection[Summary]) -> dict[str, Given]:
    """Return each of these inputs for each light curve; None: not known."""
    known = {key_of(summary): summary for summary in summaries}
    loaded = {name: LOADERS[name](known) for name in names}
    return {name: {key: found.get(key) for key in known} for name, found in loaded.items()}


def _cutouts(keys: Collection[Key]) -> Given:
    """The newest stamp of each kind that an audience may see, of the packet or the kept ones."""
    found: Given = {}
    for audience in {audience for _, audience in keys}:
        targets = [target for target, theirs in keys if theirs == audience]
        for target, images in _images(targets, audience).items():
            found[target, audience] = images
    return found


def _images(targets: Sequence[int], audience: Audience) -> dict[int, dict[str, Any]]:
    readable = Q(program__public=True) | Q(program__in=audience)
    files: dict[int, dict[str, bytes]] = defaultdict(dict)
    kept = Cutout.objects.filter(readable, target__in=targets).newest()
    since = {(row.target_id, row.kind): row.time for row in kept}
    for row in kept:
        files[row.target_id][row.kind] = bytes(row.fits)
    told = Arrival.objects.filter(readable).newest_with_stamps(targets)
    arrivals = sorted(told, key=lambda row: (row.time, row.pk))
    stamps = read_stamps(arrivals)
    for arrival in arrivals:
        target = arrival.object.target_id
        for kind, data in stamps[arrival.pk].files.items() if arrival.pk in stamps else ():
            if (target, kind) not in since or since[target, kind] < arrival.time:
                files[target][kind] = data
    images = {
        target: {kind: _image(data) for kind, data in theirs.items()}
        for target, theirs in files.items()
    }
    known = {
        target: {kind: image for kind, image in theirs.items() if image is not None}
        for target, theirs in images.items()
    }
    return {target: theirs for target, theirs in known.items() if theirs}


def _image(fits: bytes) -> Any:
    try:
        return np.asarray(read_image(fits)[1], float)
    except UnreadableStampError:
        return None


def _hosts(keys: Collection[Key]) -> Given:
    rows = TargetSummary.objects.filter(target__in={target for target, _ in keys})
    hosts = {
        row.target_id: Host(
            row.host_name,
            _number(row.host_distance_mpc),
            _number(row.host_distance_error_mpc),
        )
        for row in rows.exclude(host_name="", host_distance_mpc=None)
    }
    return _of_targets(keys, hosts)


def _galaxies(known: Mapping[Key, Summary]) -> Given:
    """Look at the place that each audience knows: private points may move it."""
    found = look_for_galaxies([summary.healpix29 for summary in known.values()])
    if found is None:
        return {}
    catalogues, shares = found
    listed = [Listed(share, catalogues) for share in shares.tolist()]
    return dict(zip(known, listed, strict=True))


def _redshifts(keys: Collection[Key]) -> Given:
    return _of_targets(keys, given_redshifts({target for target, _ in keys}))


def _classifications(keys: Collection[Key]) -> Given:
    """Return the classifications of each target's objects that the curve's readers may know."""
    targets = {target for target, _ in keys}
    objects: dict[int, list[SurveyObject]] = defaultdict(list)
    for each in SurveyObject.objects.filter(target__in=targets):
        objects[each.target_id].append(each)
    said: dict[ObjectKey, list[tuple[int | None, Classified]]] = defaultdict(list)
    ids = {each.object_id for rows in objects.values() for each in rows}
    for row in Classification.objects.standing().filter(object_id__in=ids, is_test=False):
        told = Classified(row.author, row.classifier, row.version, row.probabilities, row.classes)
        said[row.survey, row.object_id].append((row.program_id, told))
    public = set(Program.objects.filter(public=True).values_list("pk", flat=True))
    found: dict[Key, list[Classified]] = defaultdict(list)
    for key in keys:
        for each in objects[key[0]]:
            readable = public | set(key[1])
            if each.is_known_to(readable):
                told_to = {None, *readable}
                found[key] += [told for program, told in said[each.key] if program in told_to]
    return {key: tuple(rows) for key, rows in found.items() if rows}


def _spectra(keys: Collection[Key]) -> Given:
    rows = SpectroscopyReducedDatum.objects.filter(target__in={target for target, _ in keys})
    newest = {
        row.target_id: Spectrum(
            mjd_of(row.timestamp),
            np.asarray(row.wavelength, float),
            np.asarray(row.flux, float),
            np.asarray(row.error, float),
            row.wavelength_unit,
            row.flux_unit,
        )
        for row in rows.order_by("timestamp", "pk")
    }
    return _of_targets(keys, newest)


def _of_targets(keys: Iterable[Key], known: Mapping[int, Any]) -> Given:
    return {key: known[key[0]] for key in keys if key[0] in known}


def _number(value: float | None) -> float:
    return np.nan if value is None else value


LOADERS: Mapping[str, Callable[[Mapping[Key, Summary]], Given]] = {
    "cutouts": _cutouts,
    "host": _hosts,
    "galaxies": _galaxies,
    "redshift": _redshifts,
    "classifications": _classifications,
    "spectrum": _spectra,
}
