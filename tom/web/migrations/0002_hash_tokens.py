"""Tokens kept as they are become hashes: they go on working, and nobody can read them."""

import hashlib

from django.db import migrations
from django.utils.crypto import salted_hmac


def hash_tokens(apps, schema_editor):
    Token = apps.get_model("authtoken", "Token")
    ApiToken = apps.get_model("web", "ApiToken")
    ApiToken.objects.bulk_create(
        ApiToken(
            user=token.user,
            key=hashlib.sha256(token.key.encode()).hexdigest(),
            seal=salted_hmac(
                "tom.web.tokens", token.user.password, algorithm="sha256"
            ).hexdigest(),
        )
        for token in Token.objects.select_related("user")
    )
    Token.objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ("web", "0001_api_tokens"),
        ("authtoken", "0004_alter_tokenproxy_options"),
    ]

    operations = [migrations.RunPython(hash_tokens, migrations.RunPython.noop)]
