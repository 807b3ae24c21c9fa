"""Write a change, in the caller's transaction."""

from tom.changes.models import Change, Topic


def publish(topic: Topic, key: object = "", *, user_id: int | None = None) -> None:
    """Add a change of the row named by `key`; with `user_id`, it concerns this person only."""
    Change.objects.create(topic=topic, key=str(key), user_id=user_id)
