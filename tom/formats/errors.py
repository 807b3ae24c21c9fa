"""What a caller can do with a message that did not parse."""


class MalformedAlertError(ValueError):
    """The bytes are not a sound message of their kind: a dead letter; retrying cannot help."""


class UnhandledAlertError(ValueError):
    """The bytes may be sound, but no parser takes this kind yet: kept, and parsed later."""
