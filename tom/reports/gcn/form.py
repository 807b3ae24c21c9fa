"""What GCN takes as a circular, and the address that opens its form filled in.

The rules are those of GCN's own form (https://github.com/nasa-gcn/gcn.nasa.gov,
app/routes/circulars/circulars.lib.ts): a subject has one of its words and none of an automatic
reply's; both texts may have any characters. It states no length.
"""

from typing import Final
from urllib.parse import urlencode

NEW_CIRCULAR: Final = "https://gcn.nasa.gov/circulars/new"
LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 50_000
# Servers commonly take an address of 8 kB, and browsers more.
LONGEST_LINK: Final = 8_000
SUBJECT_WORDS: Final = (
    *("AGILE", "ALMA", "ANTARES", "AXP", "Baksan Neutrino Observatory Alert", "CALET", "Chandra"),
    *("Fermi", "FXT", "GRB", "GW", "HAWC", "HST", "IBAS", "IceCube", "INTEGRAL", "IPN", "JCMT"),
    *("KAGRA", "KamLAND", "KONUS", "LIGO", "LOFAR", "LVC", "LVK", "MAGIC", "MASTER", "MAXI"),
    *("Pan-STARRS", "POLAR", "RATIR", "SDSS", "SFXT", "SGR", "Super-Kamiokande", "Suzaku"),
    *("Swift", "transient", "VLA", "VLBI", "XRB", "XRF", "XRT", "XTR", "Virgo", "ZTF"),
)
REPLY_WORDS: Final = (
    *("this is an automatic reply", "automatic reply: ", "auto reply", "autoreply", "vacation"),
    *("out of the office", "out of office", "out of town", "away from", "traveling until"),
    *("no longer receiving mail", "delivery failure notif", "mail delivery failure"),
    *("returned mail", "off-line re:", "re: ", "fwd: ", " r: ", " ris: ", "subject:"),
)


def subject_fault(subject: str) -> str:
    """Say why GCN would not take a subject; "" if it would."""
    said = subject.casefold()
    reply = next((word for word in REPLY_WORDS if word in said), None)
    if reply:
        return f"GCN takes “{reply.strip()}” for an automatic reply"
    if not any(word.casefold() in said for word in SUBJECT_WORDS):
        return "GCN wants one of its words in it, such as LIGO, GRB, IceCube, Fermi or transient"
    return ""


def link_to_form(subject: str, body: str) -> str:
    """Return the address of GCN's form with both filled in; "" if it would be too long."""
    link = f"{NEW_CIRCULAR}?{urlencode({'subject': subject, 'body': body})}"
    return link if len(link) <= LONGEST_LINK else ""
