"""What a message says once parsed: plain records that know no survey, mission or broker.

`Record` is what intake knows: an alert of an object, a notice of an event, a classification of an
object, a text of people's.
"""

from tom.records.alert import ObjectAlert
from tom.records.classification import Classification
from tom.records.notice import Notice
from tom.records.text import Text

Record = ObjectAlert | Notice | Classification | Text

__all__ = ["Classification", "Notice", "ObjectAlert", "Record", "Text"]
