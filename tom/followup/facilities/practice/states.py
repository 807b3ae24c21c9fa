"""The practice telescope's words for its progress, and ours."""

from tom.followup.facilities.contract import Progress

# An OCS portal's words for each step, and ours.
STEPS = (
    ("PENDING", Progress.PENDING),
    ("PENDING", Progress.SCHEDULED),
    ("PENDING", Progress.IN_PROGRESS),
    ("COMPLETED", Progress.COMPLETED),
)
