"""Events that people make here by hand: each thing that they say of one is kept as a message.

Such a message is believed on its own topic alone. No broker has a topic with a blank in its name,
so nothing that comes by a stream can be on it.
"""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tom.formats.errors import MalformedAlertError
from tom.formats.faults import summarize
from tom.forms.declared import Encoding, Form
from tom.records import Notice
from tom.records.notice import NoticeMap, NoticeType, Position, Product

TOPIC: Final = "by hand"
SENDER: Final = "By hand"
PREFIX: Final = "HAND-"
"""How the ids of such events begin: no mission's do."""
MOST_NAME: Final = 40
"""How long a name may be that a person gives."""
TEST: Final = "-test"
_AUTHOR: Final = 64


class Circle(BaseModel):
    """A place with its error circle: ICRS degrees, and the chance that the circle holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ra: Annotated[float, Field(ge=0, le=360)]
    dec: Annotated[float, Field(ge=-90, le=90)]
    radius_deg: Annotated[float, Field(gt=0, le=180)]
    containment: Annotated[float, Field(gt=0, lt=1)] = 0.9


class SaidByHand(BaseModel):
    """What a person says of an event.

    Attributes
    ----------
    event, also
        Its id, and a name that everybody gives it, or "".
    type, written
        As `type` and `time` of a `Notice`.
    by, by_id
        Who says it: the user's name and key.
    kind, time
        What was seen, and when it happened.
    circle, fits
        Where it is: one of them, or neither.
    is_test
        Whether the event is one.
    why
        What the person adds in words.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64"
    )

    event: Annotated[str, Field(pattern=rf"^{PREFIX}[A-Za-z0-9_.-]{{1,50}}$")]
    also: Annotated[str, Field(max_length=50)] = ""
    type: Literal[NoticeType.INITIAL, NoticeType.UPDATE, NoticeType.RETRACTION]
    written: AwareDatetime
    by: str
    by_id: int
    kind: Literal["gw", "grb", "neutrino", "frb", "unknown"]
    time: AwareDatetime
    circle: Circle | None = None
    fits: bytes | None = None
    is_test: bool = False
    why: str = ""

    def write(self) -> bytes:
        """As the bytes of a message."""
        return self.model_dump_json().encode()


def read_by_hand(payload: bytes) -> SaidByHand:
    """Read what a person said.

    Raises
    ------
    MalformedAlertError
        If the bytes are none of ours. Retrying cannot help.
    """
    try:
        return SaidByHand.model_validate_json(payload)
    except ValidationError as error:
        raise MalformedAlertError(summarize(error)) from error


def parse_by_hand(payload: bytes) -> Notice:
    """Read what a person said as a notice; raises MalformedAlertError."""
    said = read_by_hand(payload)
    retracts = said.type is NoticeType.RETRACTION
    return Notice(
        sender=SENDER,
        kind=said.kind,
        names=(said.event, *([said.also] if said.also else [])),
        type=said.type,
        time=said.written,
        event_time=None if retracts else said.time,
        maps=() if retracts else _maps(said),
        position=None if retracts else _position(said),
        facts=said.model_dump(mode="json", include={"by", "by_id", "why", "circle"}),
        test_reasons=("made by hand as a test",) if said.is_test else (),
    )


def id_of(name: str, *, is_test: bool) -> str:
    """The id of an event of this name. A test has its own, so it makes no live event a test."""
    return f"{PREFIX}{name}{TEST if is_test else ''}"


def _maps(said: SaidByHand) -> tuple[NoticeMap, ...]:
    if not said.fits:
        return ()
    return (NoticeMap(product=Product.SKYMAP, author=said.by[:_AUTHOR], fits=said.fits),)


def _position(said: SaidByHand) -> Position | None:
    if said.circle is None:
        return None
    return Position(**said.circle.model_dump(), author=said.by[:_AUTHOR])


BY_HAND: Final = Form(
    name="event.by_hand",
    encoding=Encoding.JSON,
    record=Notice,
    topics=(TOPIC,),
    keys=(PREFIX.encode(),),
    parse=parse_by_hand,
    is_open=True,
)
