import json

import pytest

from tom.benchmark.rankings import BadRankingError, Listed, read_rankings, write_rankings

GOOD = {"seed": 9001, "hour": 14, "order": ["a", "b"], "chances": [0.3, 0.1], "none": 0.6}


def test_a_file_written_is_read_back_the_same(tmp_path):
    lists = [
        Listed(9001, 14.0, ("a", "b"), (0.3, 0.1), 0.6),
        Listed(9001, 15.5, (), (), 1.0),
        Listed(9002, 1.0, ("c",), None, None),
    ]
    write_rankings(lists, tmp_path / "ours.jsonl")

    assert read_rankings(tmp_path / "ours.jsonl") == lists


def test_places_and_chances_are_looked_up():
    listed = Listed(9001, 14.0, ("a", "b"), (0.3, 0.1), 0.6)

    assert (listed.rank("b"), listed.rank("c"), listed.rank(None)) == (2, None, None)
    assert (listed.chance("b"), listed.chance("c")) == (0.1, 0.0)
    assert Listed(9001, 14.0, ("a",), None, None).chance("a") is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"order": ["a", "a"]}, "twice"),
        ({"chances": [0.3]}, "one chance"),
        ({"chances": [0.3, 1.2]}, "between 0 and 1"),
        ({"chances": [0.3, float("nan")]}, "between 0 and 1"),
        ({"none": 0.7}, "more than 1"),
        ({"none": None}, "go together"),
        ({"hour": float("nan")}, "no number"),
        ({"hour": True}, "the hour is no number"),
        ({"hour": 10**400}, "too large"),
        ({"rank": 1}, "unknown keys: rank"),
        ({"seed": 1.7}, "the seed is no whole number"),
        ({"seed": -1}, "the seed is no whole number"),
        ({"seed": float("inf")}, "the seed is no whole number"),
        ({"order": "ab"}, "the order is no list of names"),
        ({"order": ["a", None]}, "the order is no list of names"),
        ({"chances": ["0.3", "0.1"]}, "a chance is no number"),
        ({"chances": 0.3}, "the chances are no list of numbers"),
    ],
)
def test_a_line_that_is_no_list_is_refused_with_its_number(tmp_path, changed, told):
    file = tmp_path / "theirs.jsonl"
    file.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD | changed) + "\n")

    with pytest.raises(BadRankingError, match=f"line 2: .*{told}"):
        read_rankings(file)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no JSON", "Expecting value"),
        ("[1]", "it is no JSON object"),
        ('"text"', "it is no JSON object"),
        ('{"seed": 1, "hour": 2}', "it lacks order"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, line, told):
    (tmp_path / "theirs.jsonl").write_text(line)

    with pytest.raises(BadRankingError, match=f"line 1: .*{told}"):
        read_rankings(tmp_path / "theirs.jsonl")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_than_utf8_is_named(tmp_path, encoding):
    (tmp_path / "theirs.jsonl").write_text('{"order": ["ä"]}', encoding=encoding)

    with pytest.raises(BadRankingError, match="no text in UTF-8"):
        read_rankings(tmp_path / "theirs.jsonl")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_a_list_is_refused(tmp_path, text):
    (tmp_path / "theirs.jsonl").write_text(text)

    with pytest.raises(BadRankingError, match="there is no list in it"):
        read_rankings(tmp_path / "theirs.jsonl")


def test_a_mark_of_the_byte_order_other_line_ends_and_separators_in_names_are_read(tmp_path):
    line = json.dumps(GOOD | {"order": ["a\u2028", "b"]}, ensure_ascii=False)
    (tmp_path / "theirs.jsonl").write_bytes(f"{line}\r\n{line}\r\n".encode("utf-8-sig"))

    assert [listed.order for listed in read_rankings(tmp_path / "theirs.jsonl")] == [
        ("a\u2028", "b")
    ] * 2
