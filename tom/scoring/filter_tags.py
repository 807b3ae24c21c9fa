"""The tags that a filter declares, read of its source without running it."""

import ast
from typing import Final

MOST_TAGS: Final = 30
LONGEST_TAG: Final = 60
DECLARED: Final = "OUTPUT_LOCUS_TAGS"


class UnreadableTagsError(ValueError):
    """The source does not say which tags it gives; the text says why, to its author."""


def read_tags(source: str) -> list[str]:
    """Return the names of the tags that the classes of a source declare, in their order.

    Raises
    ------
    UnreadableTagsError
        If the source is no Python, or `OUTPUT_LOCUS_TAGS` is not written out in a class of it, or
        has no tag, too many, or one twice.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = f"This is no Python: {error}"
        raise UnreadableTagsError(message) from error
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    lists = [value for node in classes for value in _declared(node)]
    try:
        names = [str(tag["name"]) for value in lists for tag in ast.literal_eval(value)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        message = f"Write {DECLARED} out, as a list of names and descriptions."
        raise UnreadableTagsError(message) from error
    if not names:
        message = f"No class of it declares a tag: write {DECLARED} out in the filter's class."
        raise UnreadableTagsError(message)
    if len(names) > MOST_TAGS or len(set(names)) < len(names):
        message = f"{DECLARED} has 1 to {MOST_TAGS} tags, each once."
        raise UnreadableTagsError(message)
    if any(not name or len(name) > LONGEST_TAG or not name.isprintable() for name in names):
        message = f"A tag has 1 to {LONGEST_TAG} characters."
        raise UnreadableTagsError(message)
    return names


def _declared(node: ast.ClassDef) -> list[ast.expr]:
    found = []
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else []
        if isinstance(line, ast.AnnAssign):
            targets = [line.target]
        named = any(isinstance(each, ast.Name) and each.id == DECLARED for each in targets)
        if named and isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
            found.append(line.value)
    return found
