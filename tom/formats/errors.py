"""What a caller can do with a message that did not parse."""


class MalformedAlertError(ValueError):
    """The bytes are not a sound message of their kind: a dead letter; retrying cannot help."""


class UnknownSchemaError(MalformedAlertError):
    """The schema that the bytes name is not known: with it, they can be read."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"its schema, id {schema_id}, is not known")
        self.schema_id = schema_id


class UnhandledAlertError(ValueError):
    """The bytes may be sound, but no parser takes this kind yet: kept, and parsed later."""
