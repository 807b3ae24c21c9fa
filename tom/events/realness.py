"""Judge once whether the map of a gravitational wave looks like a merger's, and keep the answer."""

from django.db import transaction

from tom.events import gwskynet
from tom.events.localizations import skymap_of
from tom.events.map_models import Realness
from tom.events.models import EventKind, Localization, NonLocalizedEvent
from tom.events.services import note_changes

_BURST = "Burst"


def is_judged(event: NonLocalizedEvent) -> bool:
    """Whether the network as it is installed judged the event's map, or has nothing to judge."""
    model = gwskynet.model_version()
    if not model or event.kind != EventKind.GW or event.used is None:
        return True
    return Realness.objects.filter(pk=event.used.localization_id, model=model).exists()


def judge_map(event: NonLocalizedEvent) -> bool:
    """Judge the map that an event uses, unless that was done; return whether the answer is new.

    A new answer moves the chance that the event is real: its list is due again.
    """
    if is_judged(event) or event.used is None:
        return False
    localization = Localization.objects.only("fits").get(pk=event.used.localization_id)
    skymap, fits = skymap_of(localization.pk), bytes(localization.fits)
    refusal = gwskynet.refusal_of(skymap, fits, is_burst=_is_burst(event))
    rated = None if refusal else gwskynet.rate(skymap, fits)
    with transaction.atomic():
        Realness.objects.update_or_create(
            pk=localization.pk,
            defaults={
                "model": gwskynet.model_version(),
                "refusal": refusal,
                "score": rated.score if rated else None,
                "false_alarms": rated.false_alarms if rated else None,
                "misses": rated.misses if rated else None,
            },
        )
        note_changes([event.pk])
    return True


def _is_burst(event: NonLocalizedEvent) -> bool:
    """Whether a message of the event calls what it saw a burst: no merger was modelled."""
    return event.sequences.filter(details__event__group=_BURST).exists()
