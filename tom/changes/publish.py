"""Write what changed, in the caller's transaction."""

from tom.changes.models import Change, Topic


def publish(topic: Topic, key: object = "", *, user_id: int | None = None) -> None:
    """Say that the row changed that is named by `key`."""
    Change.objects.create(topic=topic, key=str(key), user_id=user_id)
