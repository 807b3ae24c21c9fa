"""What a person lacks, said where a button of a page is absent for want of a permission."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string

from tom.web.team.roles import find_lack

register = template.Library()


@register.simple_block_tag(takes_context=True)
def lacks(context: dict[str, Any], content: str) -> str:
    """Say which of these a person may not do, and whom to ask; nothing where they may.

    The permissions stand one a line between ``{% lacks %}`` and ``{% endlacks %}``.
    """
    request: HttpRequest = context["request"]
    lack = find_lack(request.user, content.split())
    return render_to_string("team/_lack.html", {"lack": lack})
