"""What a message says once parsed: plain records that know no survey, mission or broker.

`Record` is what intake knows: an alert of an object, a notice of an event, a classification of an
object, what a broker tells of objects, a text of people's.
"""

from tom.records.alert import ObjectAlert
from tom.records.classification import Classification
from tom.records.notice import Notice
from tom.records.opened import Opened
from tom.records.retelling import Retelling
from tom.records.text import Text
from tom.records.trigger import Trigger, trigger_of

Record = ObjectAlert | Notice | Classification | Retelling | Text

__all__ = [
    "Classification",
    "Notice",
    "ObjectAlert",
    "Opened",
    "Record",
    "Retelling",
    "Text",
    "Trigger",
    "trigger_of",
]
