"""A plugin whose author is not done."""

learn  # noqa: B018, F821
