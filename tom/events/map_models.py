"""What is made of a stored map once: a sketch, its list of galaxies, and whether it looks real."""

from django.db import models


class Sketch(models.Model):
    """What pages draw of a map, so that none reads its rows."""

    localization = models.OneToOneField(
        "events.Localization", on_delete=models.CASCADE, primary_key=True, related_name="sketch"
    )
    outlines = models.JSONField(help_text="Nine levels, each to [[[ra, dec], ...], ...]")
    cells = models.BinaryField(help_text="tom.sky.sketch.pack_cells of the map")
    mocs = models.JSONField(help_text="Nine levels, each to its region: {order: [cell, ...], ...}")

    def __str__(self) -> str:
        return f"sketch of {self.localization_id}"


class GalaxyList(models.Model):
    """The likeliest galaxies of a map by the catalogues that were loaded then."""

    localization = models.OneToOneField(
        "events.Localization",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="galaxy_list",
    )
    catalogues = models.CharField(
        max_length=200, help_text="Which loads were ranked, and how; another load makes it due"
    )
    stored = models.DateTimeField(auto_now=True)
    n_galaxies = models.PositiveIntegerField(help_text="Galaxies of the region that were ranked")
    none_share = models.FloatField(help_text="The chance that no listed galaxy is the host")
    completeness = models.FloatField(
        help_text="The share of the light at the map's distances that is listed"
    )
    citations = models.JSONField(default=list, help_text="What to cite")
    galaxies = models.JSONField(help_text="tom.galaxies.listing.rows_of: the likeliest first")

    def __str__(self) -> str:
        return f"galaxies of {self.localization_id}"


class Realness(models.Model):
    """Whether a gravitational wave's map looks like a merger's, or why the network cannot say."""

    localization = models.OneToOneField(
        "events.Localization", on_delete=models.CASCADE, primary_key=True, related_name="realness"
    )
    model = models.CharField(max_length=64, help_text="Its name and version; another makes it due")
    refusal = models.CharField(max_length=200, blank=True, help_text="Why it says nothing")
    score = models.FloatField(null=True, blank=True, help_text="0 to 1, near 1 like a merger")
    false_alarms = models.FloatField(
        null=True, blank=True, help_text="The share of noise that scores more"
    )
    misses = models.FloatField(
        null=True, blank=True, help_text="The share of mergers that score less"
    )
    stored = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(refusal="", score__range=(0, 1))
                | (~models.Q(refusal="") & models.Q(score=None)),
                name="events_realness_score_or_refusal",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} of {self.localization_id}"
