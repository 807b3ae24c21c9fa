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
        ({"rank": 1}, "unknown keys: rank"),
    ],
)
def test_a_line_that_is_no_list_is_refused_with_its_number(tmp_path, changed, told):
    file = tmp_path / "theirs.jsonl"
    file.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD | changed) + "\n")

    with pytest.raises(BadRankingError, match=f"line 2: .*{told}"):
        read_rankings(file)


@pytest.mark.parametrize("line", ["no JSON", "[1]", '{"seed": 1, "hour": 2}', '"text"'])
def test_what_is_no_record_is_refused(tmp_path, line):
    (tmp_path / "theirs.jsonl").write_text(line)

    with pytest.raises(BadRankingError, match="line 1"):
        read_rankings(tmp_path / "theirs.jsonl")
