"""Catalogues of galaxies and their rows."""

from django.db import models
from tom_targets.base_models import BaseTarget

from tom.moments import Fact


class Catalogue(models.Model):
    """A catalogue of galaxies as it was loaded: who made it, and how complete it is."""

    name = models.CharField(max_length=40, unique=True)
    version = models.CharField(max_length=80, blank=True)
    licence = models.TextField()
    citation = models.TextField()
    n_galaxies = models.PositiveIntegerField()
    n_refused = models.PositiveIntegerField(help_text="Rows of the file that were not loaded")
    sha256 = models.CharField(max_length=64, help_text="Of the file and its mapping")
    loaded = models.DateTimeField()
    completeness = models.JSONField(
        default=dict,
        help_text="Edges of shells of distance, Mpc; each shell's galaxies and its share of the"
        " mean luminosity",
    )

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class DistanceKind(models.TextChoices):
    """What a galaxy's distance rests on."""

    SPECTROSCOPIC = "spectroscopic", "Spectroscopic redshift"
    PHOTOMETRIC = "photometric", "Photometric redshift"
    MEASURED = "measured", "Distance measured without a redshift"


class Galaxy(models.Model):
    """A row of a catalogue. None: the catalogue does not say."""

    catalogue = models.ForeignKey(
        Catalogue, on_delete=models.CASCADE, related_name="galaxies", db_index=False
    )
    number = models.CharField(max_length=40, help_text="The catalogue's own id")
    name = models.CharField(max_length=60, blank=True)
    ra = models.FloatField(help_text="ICRS degrees")
    dec = models.FloatField(help_text="ICRS degrees")
    healpix29 = models.BigIntegerField(
        db_index=True, help_text="HEALPix index of the place: nested, order 29"
    )
    distance_mpc = models.FloatField(null=True, help_text="Luminosity distance")
    distance_error_mpc = models.FloatField(null=True, help_text="Without the peculiar velocity")
    redshift = models.FloatField(null=True)
    redshift_error = models.FloatField(null=True)
    distance_kind = models.CharField(max_length=16, blank=True, choices=DistanceKind.choices)
    diameter_arcsec = models.FloatField(
        null=True, help_text="Of the major axis at 25 mag/arcsec2 in B (D25)"
    )
    axis_ratio = models.FloatField(null=True, help_text="Minor to major axis, above 0 to 1")
    position_angle_deg = models.FloatField(null=True, help_text="From north through east")
    b_magnitude = models.FloatField(null=True, help_text="Apparent, Vega")
    k_magnitude = models.FloatField(null=True, help_text="Apparent, Vega")
    stellar_mass = models.FloatField(null=True, help_text="Solar masses")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalogue", "number"], name="galaxies_galaxy_once"),
            models.CheckConstraint(
                condition=models.Q(distance_mpc=None) | models.Q(distance_mpc__gt=0),
                name="galaxies_distance_is_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(axis_ratio=None) | models.Q(axis_ratio__gt=0, axis_ratio__lte=1),
                name="galaxies_axis_ratio_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.number


class HostSearch(Fact):
    """A search for a target's host: where, in which catalogues, and the chance of none of them."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="host_searches")
    healpix29 = models.BigIntegerField(help_text="Where: HEALPix index, nested, order 29")
    catalogues = models.CharField(max_length=200, help_text="Which loads were searched, and how")
    given_redshift = models.FloatField(
        null=True, help_text="The target's redshift, as a person or a classifier gave it"
    )
    distance_mpc = models.FloatField(null=True, help_text="Of that redshift")
    distance_error_mpc = models.FloatField(null=True)
    none_share = models.FloatField(help_text="The chance that no listed galaxy is the host")

    class Meta:
        indexes = [models.Index(fields=["target", "-id"], name="galaxies_search_newest")]

    def __str__(self) -> str:
        return f"search for the host of {self.target_id}"


class HostMatch(models.Model):
    """A galaxy that may be the host, as it was when it was searched; a later load changes nothing.

    The units are those of `Galaxy`.
    """

    search = models.ForeignKey(HostSearch, on_delete=models.CASCADE, related_name="matches")
    catalogue = models.CharField(max_length=40)
    number = models.CharField(max_length=40)
    name = models.CharField(max_length=60, blank=True)
    ra = models.FloatField()
    dec = models.FloatField()
    distance_mpc = models.FloatField(null=True)
    distance_error_mpc = models.FloatField(null=True, help_text="With the peculiar velocity")
    distance_kind = models.CharField(max_length=16, blank=True, choices=DistanceKind.choices)
    b_magnitude = models.FloatField(null=True)
    separation_arcsec = models.FloatField()
    light_radius_arcsec = models.FloatField(help_text="The half-light radius towards the target")
    chance_coincidence = models.FloatField(null=True, help_text="0 to 1")
    share = models.FloatField(help_text="The chance that it is the host, 0 to 1")

    class Meta:
        indexes = [models.Index(fields=["search", "-share"], name="galaxies_match_best")]

    def __str__(self) -> str:
        return self.name or f"{self.catalogue} {self.number}"

    @property
    def ratio(self) -> float:
        """The separation over the light radius in that direction."""
        return self.separation_arcsec / self.light_radius_arcsec
