"""A process that sends one request and may be killed: DATABASE REQUEST PORTAL_URL."""

import os
import sys


def main(database: str, request_pk: str, portal_url: str) -> None:
    """Submit the request in the test database."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tom.settings", "OCS_PORTAL_URL": portal_url}
    os.environ["OCS_PRACTICE"] = "true"
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from tom.followup.facilities.ocs import calls as portal_calls
    from tom.followup.models import ObservationRequest
    from tom.followup.services import submit_request

    portal_calls.READ_SECONDS = 600  # it is killed before it gives up
    submit_request(ObservationRequest.objects.get(pk=request_pk))


if __name__ == "__main__":
    main(*sys.argv[1:])
