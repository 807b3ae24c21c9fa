import json
import math

import pytest

from tom.benchmark.__main__ import main
from tom.benchmark.rankings import Listed, read_rankings, write_rankings
from tom.benchmark.report import calibration, compare, paired, summarise
from tom.benchmark.rivals import rank_by_all
from tom.benchmark.scores import (
    Answer,
    MissingNightError,
    UnknownNameError,
    answer_of,
    check_names,
    score,
    score_night,
)

FOUND = Answer(1, "kn", 10.0, (5, 12, 30, 50))
NOTHING = Answer(2, None, math.inf, (5, 12))


def lists(*rows, seed=1):
    """Lists at hours: (hour, order, chances, none)."""
    return [Listed(seed, float(hour), tuple(order), *said) for hour, order, *said in rows]


PLAIN = lists(
    (5, "abcd", None, None), (12, ["a", "b", "c", "e", "kn"], None, None),
    (30, ["a", "kn", "b"], None, None),
)  # fmt: skip
SAID = lists(
    (5, ["a"], (0.2,), 0.8), (12, ["a", "kn"], (0.3, 0.1), 0.6), (30, ["kn", "a"], (0.7, 0.1), 0.2)
)


def test_the_hour_is_that_of_the_first_list_with_it_in_its_first_three():
    outcome = score_night(FOUND, PLAIN)

    assert (outcome.hours, outcome.soonest, outcome.found) == (30.0, 12.0, True)
    assert outcome.ranks == {24: 5, 48: 2, 72: 2, 150: 2}


def test_minutes_are_those_of_others_observed_before_it_down_the_list():
    # a, b, c at 5 h; d is gone: e, then the counterpart at 12 h.
    assert score_night(FOUND, PLAIN).minutes == 40.0
    # Never found: three at each of four hours, as far as there are some.
    assert score_night(FOUND, lists((5, "abcdefg", None, None))).minutes == 70.0


def test_what_is_never_in_the_first_three_counts_as_found_at_the_end():
    outcome = score_night(FOUND, lists((5, "abcd", None, None)))

    assert (outcome.hours, outcome.found) == (150.0, False)


def test_until_its_first_alert_none_of_these_is_true():
    early = Answer(1, "kn", 40.0, (5, 12, 30, 50))

    assert score_night(early, SAID).log_loss[24] == pytest.approx(-math.log(0.6))
    assert score_night(FOUND, SAID).log_loss[24] == pytest.approx(-math.log(0.1))
    assert score_night(FOUND, SAID).log_loss[48] == pytest.approx(-math.log(0.7))
    assert score_night(FOUND, PLAIN).log_loss[24] is None


def test_a_chance_of_zero_costs_much_but_not_everything():
    sure = lists((5, ["a"], (1.0,), 0.0))

    assert score_night(FOUND, sure).log_loss[48] == pytest.approx(-math.log(1e-12))


def test_said_chances_are_paired_with_what_was_true():
    assert score_night(FOUND, SAID).said == [(0.7, True), (0.1, False), (0.2, False)]
    nothing = score_night(NOTHING, lists((5, ["a"], (0.05,), 0.9), seed=2))
    assert nothing.said == [(0.05, False), (0.9, True)]
    assert nothing.sums[48] == pytest.approx(0.05)


def test_a_summary_has_the_sum_where_there_is_no_counterpart():
    rows = [*SAID, *lists((5, ["a"], (0.05,), 0.9), seed=2)]
    told = summarise("ours", score([FOUND, NOTHING], rows))

    assert (told["nights"], told["with_counterpart"], told["never"]) == (2, 1, 0)
    none = told["without_counterpart"]
    assert none == {
        "nights": 1, "sum": 0.05, "largest": 0.05, "below_0.1": 1.0,
        "interval": [0.1467, 0.9996],  # Jeffreys: the quantiles of Beta(3/2, 1/2)
    }  # fmt: skip
    assert told["log_loss"]["48"] == pytest.approx(-(math.log(0.7) + math.log(0.9)) / 2, rel=1e-3)
    assert told["hours_to_top_3"] == told["soonest_hours"] == 12.0


def test_a_ranking_without_the_night_is_refused():
    with pytest.raises(MissingNightError, match="2"):
        score([FOUND, NOTHING], PLAIN)


def test_bins_tell_whether_what_was_said_was_true():
    honest = [(0.2, True)] * 20 + [(0.2, False)] * 80
    (row,) = calibration(honest)
    assert (row["n"], row["said"], row["true"], row["within"]) == (100, 0.2, 0.2, True)
    # Of Beta(20.5, 80.5).
    assert row["interval"] == [pytest.approx(0.131, abs=0.002), pytest.approx(0.286, abs=0.002)]
    (row,) = calibration([(0.2, False)] * 100)
    assert not row["within"]
    assert calibration([]) == []


def test_differences_are_paired_by_night():
    slow = lists((5, "abcd", None, None), (50, ["kn"], None, None))
    gain = compare(score([FOUND], PLAIN), {"slow": score([FOUND], slow)})

    assert gain["slow"]["hours"] == [20.0, 20.0, 20.0]
    assert paired([]) is None
    mean, low, high = paired([1.0, 3.0, 5.0, 7.0])
    assert low < mean == 4.0 < high


def test_a_file_is_scored_beside_the_rivals(hard_night, tmp_path, capsys):
    rows = rank_by_all(hard_night)["credible level"]
    file = tmp_path / "theirs.jsonl"
    write_rankings(rows, file)
    assert len(read_rankings(file)) == len(answer_of(hard_night).hours)

    assert main(["score", str(file), "--size", "tiny"]) == 0

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("ranking") for row in told[:2]] == ["theirs", "brightest first"]
    total = told[-1]
    assert total["seeds"] == [hard_night.seed]
    assert not total["blind"]
    assert total["gain"]["credible level"]["hours"] == [0.0, 0.0, 0.0]


def test_a_night_is_written_without_its_truth(hard_night, tmp_path):
    assert main(["write", str(hard_night.seed), str(tmp_path / "night"), "--size", "tiny"]) == 0

    names = {path.name for path in (tmp_path / "night").iterdir()}
    assert names == {"messages", "night.json", "galaxies.csv"}
    files = list((tmp_path / "night" / "messages").iterdir())
    assert len(files) == sum(map(len, hard_night.sent)) + 3


def test_a_bad_file_is_refused_in_words(tmp_path, capsys):
    file = tmp_path / "bad.jsonl"
    file.write_text("{}")

    assert main(["score", str(file)]) == 1
    assert "line 1" in capsys.readouterr().err


def test_a_name_of_no_alert_by_then_is_refused_with_its_night_and_hour(hard_night):
    first = {name: sent[0] for name, sent in zip(hard_night.names, hard_night.sent, strict=True)}
    name = max(first, key=lambda each: first[each])
    hour = math.ceil(first[name])

    check_names(hard_night, lists((hour, [name], None, None)))
    with pytest.raises(UnknownNameError, match=f"hour {hour - 1}: the first alert of '{name}'"):
        check_names(hard_night, lists((hour - 1, [name], None, None)))
    with pytest.raises(UnknownNameError, match="hour 5: no alert of this night is of 'AT2017gfo'"):
        check_names(hard_night, lists((5, ["AT2017gfo"], None, None)))


def test_names_of_another_night_are_refused_by_the_command(tmp_path, capsys):
    file = tmp_path / "theirs.jsonl"
    write_rankings(lists((5, ["ZTF26nobody"], None, None)), file)

    assert main(["score", str(file), "--size", "tiny"]) == 1
    assert "is --size the one with which the night was written?" in capsys.readouterr().err


def test_what_cannot_be_read_or_written_is_named(tmp_path, capsys):
    (tmp_path / "file").touch()

    assert main(["score", str(tmp_path / "none.jsonl")]) == 1
    assert main(["write", "1", str(tmp_path / "file" / "night"), "--size", "tiny"]) == 1
    with pytest.raises(SystemExit):
        main(["write", "-1", str(tmp_path / "night")])
    told = capsys.readouterr().err
    for fault in ("none.jsonl: No such file", ": Not a directory", "'-1' is no whole number"):
        assert fault in told
