"""Why a service was not reached, in words; an error itself may quote an address with a key."""

from requests import exceptions


def say_unreached(error: Exception) -> str:
    """Say what stood between, and what to do."""
    match error:
        case exceptions.SSLError():
            why = "its certificate is not one that we trust"
        case exceptions.Timeout():
            why = "it does not answer in time; try again later"
        case exceptions.ConnectionError() | ConnectionError():
            why = "it is down, or this machine has no way to it; try again later"
        case _:
            why = f"the connection broke ({type(error).__name__}); try again"
    return f"not reached: {why}"
