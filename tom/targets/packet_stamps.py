"""The stamps of alerts, read from the packets that brought them: intake does not store them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.registry import forms
from tom.records import ObjectAlert, Retelling
from tom.streams.models import AlertMessage
from tom.streams.packets import SECONDS, read_packets
from tom.targets.arrivals import Arrival, has_own_stamps
from tom.targets.sightings import key_of


@dataclass(frozen=True, slots=True)
class Stamps:
    """The stamps of one alert.

    `files` are FITS files, gzipped or not, by kind: science, template, difference. `middle` is the
    column and row of the source in them, from 0, where the detector's edge cut them.
    """

    files: Mapping[str, bytes]
    middle: tuple[float, float] | None = None


class _Everything(Collection[bytes]):
    """All digests there are: a history of which all is known is not read."""

    def __contains__(self, digest: object) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read_stamps(arrivals: Iterable[Arrival], *, seconds: int = SECONDS) -> dict[int, Stamps]:
    """Read the stamps of these alerts from their packets, by the keys of the arrivals.

    Left out are those whose packet was let go, or is lost, or says nothing of the object any more.
    Each arrival has its message and its object.

    Raises
    ------
    PacketStoreError
        If the store cannot be read now; it has so many seconds for each request.
    """
    wanted = list(arrivals)
    packets = read_packets(
        {row.message_id: row.message for row in wanted}.values(), seconds=seconds
    )
    found: dict[int, Stamps] = {}
    for row in wanted:
        payload = packets.get(row.message_id) or bytes(row.message.payload or b"")
        alert = _newest_of(row.object.key, _alerts_in(row.message, payload))
        if alert is not None:
            found[row.pk] = Stamps(alert.cutouts, alert.cutout_middle)
    return found


def _newest_of(key: tuple[str, str], alerts: Iterable[ObjectAlert]) -> ObjectAlert | None:
    own = [alert for alert in alerts if key_of(alert) == key and has_own_stamps(alert)]
    return max(own, key=lambda alert: alert.time, default=None)


def _alerts_in(message: AlertMessage, payload: bytes) -> Sequence[ObjectAlert]:
    """What a message says of objects; nothing where it cannot be read now."""
    form = forms().get(message.kind)
    if form is None or not payload:
        return ()
    try:
        if form.open is not None:
            return (form.open(payload).read(_Everything()),)
        told = form.parse(payload) if form.parse is not None else None
    except (MalformedAlertError, UnhandledAlertError):
        return ()
    match told:
        case ObjectAlert() as alert:
            return (alert,)
        case Retelling() as retelling:
            return retelling.alerts
        case _:
            return ()
