"""What tests of the web share."""

import pytest


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash passwords in no time: a real hash takes half a second each."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
