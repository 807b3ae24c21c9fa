"""What dies is started again, ever later."""

from functools import partial
from pathlib import Path

from tests.recovery.site import wait_for
from tom.embedded.children import start
from tom.embedded.component import CannotRunError, Child, Component


def test_a_program_that_dies_at_once_is_started_again_ever_later(tmp_path: Path) -> None:
    component = Component("it", partial(start, ["false"], log=tmp_path / "log"))
    component.start()

    said = say_until(component, lines=3)

    assert said == [
        f"it has ended and starts again in {pause} s" for pause in ("0.5", "1.0", "2.0")
    ]


def test_a_program_that_cannot_be_launched_is_tried_again_ever_later() -> None:
    component = Component("it", refuse)

    said = say_until(component, lines=3)

    assert said == ["it does not start: no binary"] * 3
    assert component.pause == 4.0


def refuse() -> Child:
    msg = "no binary"
    raise CannotRunError(msg)


def say_until(component: Component, *, lines: int) -> list[str]:
    """Look at the component until it has said so many lines; return them."""
    said: list[str] = []

    def look() -> bool:
        component.restart_if_dead(said.append)
        return len(said) >= lines

    wait_for(look, seconds=60)
    return said
