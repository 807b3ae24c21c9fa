"""What the web alone keeps: API tokens, by their hash."""

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """A user's token for the API, one each, shown once when it is made."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_token"
    )
    # The name that the REST framework looks for.
    key = models.CharField(max_length=64, unique=True, help_text="sha256 of the token, hex")
    seal = models.CharField(
        max_length=64, help_text="Of the user's password: another password ends the token"
    )
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True, help_text="To the hour")

    def __str__(self) -> str:
        return f"API token of {self.user_id}"
