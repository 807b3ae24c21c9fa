"""How far a target is, as far as anything says: its redshift, its host, the events' maps."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.localizations import choose_localization
from tom.records.redshift import Redshift
from tom.targets.redshifts import given_redshifts


@dataclass(frozen=True)
class Distance:
    """A distance, Mpc, and what says it."""

    source: str
    mpc: float

    def told(self) -> dict[str, Any]:
        return asdict(self)


def redshift_of(target: BaseTarget) -> float | None:
    """Return the redshift that a person gave the target."""
    given = given_redshift_of(target)
    return None if given is None else given.value


def given_redshift_of(target: BaseTarget) -> Redshift | None:
    """Return the redshift that a person gave the target, with its source."""
    return given_redshifts([target.pk]).get(target.pk)


def distances_of(
    target: BaseTarget, candidacies: Sequence[EventCandidate], redshift: float | None
) -> list[Distance]:
    """Return what is known of a target's distance, the surest first.

    `candidacies` bring their event with its localizations. An event's is the mean over its map,
    and the target's only if it is the event's counterpart.
    """
    found = []
    if redshift:
        found.append(Distance(f"redshift {redshift:g}", _luminosity_distance(redshift)))
    summary = target.summary
    if summary.host_distance_mpc:
        found.append(Distance(f"host {summary.host_name}".strip(), summary.host_distance_mpc))
    for candidacy in candidacies:
        mpc = map_distance(candidacy)
        if mpc is not None:
            found.append(Distance(f"map of {candidacy.event.event_id}", mpc))
    return found


def map_distance(candidacy: EventCandidate) -> float | None:
    """Return the mean distance over the map that the event uses, Mpc."""
    event = candidacy.event
    chosen = choose_localization(event, event.localizations.all())
    mean = chosen.localization.distance_mean if chosen else None
    return mean if mean and mean > 0 else None


def _luminosity_distance(redshift: float) -> float:
    from astropy.cosmology import Planck18  # slow to import

    return float(Planck18.luminosity_distance(redshift).to_value("Mpc"))
