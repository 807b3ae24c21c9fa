"""Write what happened, in the caller's transaction."""

from tom.live.models import LiveEvent, Topic


def publish(topic: Topic, key: object = "", *, user_id: int | None = None) -> None:
    """Say that something happened to the row named by `key`."""
    LiveEvent.objects.create(topic=topic, key=str(key), user_id=user_id)
