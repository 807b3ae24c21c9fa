"""Chances as texts have them: none is rounded to a certainty."""


def write_chance(chance: float, *, digits: int = 2) -> str:
    """Write a chance (0 to 1) with so many digits: "0.93", "> 0.99", "< 0.01".

    Nothing is told as certain, and 0 alone as impossible.
    """
    least = 10.0**-digits
    text = f"{chance:.{digits}g}"
    if float(text) >= 1:
        return f"> {1 - least:.{digits}f}"
    return f"< {least:.{digits}f}" if 0 < chance < least else text


def write_percent(chance: float) -> str:
    """Write a chance (0 to 1) in whole percent: "93%", "> 99%", "< 1%"; 0 and 1 as they are."""
    if 0.995 <= chance < 1:
        return "> 99%"
    return "< 1%" if 0 < chance < 0.005 else f"{chance:.0%}"
