"""A target's possible hosts, as the API tells them."""

from typing import Any

from rest_framework import serializers


class GalaxySerializer(serializers.Serializer[dict[str, Any]]):
    """A galaxy that may be the host, as its catalogue had it when it was searched."""

    catalogue = serializers.CharField()
    number = serializers.CharField(help_text="The catalogue's own id")
    name = serializers.CharField()
    ra = serializers.FloatField(help_text="ICRS degrees")
    dec = serializers.FloatField(help_text="ICRS degrees")
    distance_mpc = serializers.FloatField(allow_null=True)
    distance_error_mpc = serializers.FloatField(
        allow_null=True, help_text="With the peculiar velocity"
    )
    distance_kind = serializers.CharField(help_text="spectroscopic, photometric or measured")
    b_magnitude = serializers.FloatField(allow_null=True, help_text="Vega")
    separation_arcsec = serializers.FloatField()
    light_radius_arcsec = serializers.FloatField(
        help_text="The half-light radius in the target's direction"
    )
    ratio = serializers.FloatField(help_text="The separation over the light radius")
    chance_coincidence = serializers.FloatField(allow_null=True, help_text="0 to 1")
    share = serializers.FloatField(help_text="The chance that it is the host")
    citation = serializers.CharField(help_text="What to cite; empty: no longer loaded")


class HostsSerializer(serializers.Serializer[Any]):
    """The newest search for a target's host; the shares and `none_share` sum to 1."""

    stored = serializers.DateTimeField(
        allow_null=True, help_text="When it was searched, UTC; null: for this answer alone"
    )
    given_redshift = serializers.FloatField(
        allow_null=True, help_text="The target's own, which chose among the galaxies"
    )
    none_share = serializers.FloatField(help_text="The chance of no listed galaxy")
    galaxies = GalaxySerializer(many=True)
