from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from tom.demo import read_night, write_night
from tom.embedded.home import Home


@pytest.fixture
def short(night):
    """A few messages of the night."""
    gw = [message for message in night.messages if message.topic.startswith("igwn")]
    return replace(night, messages=[*night.messages[:5], gw[0]], truth=night.truth[:7])


def test_a_night_written_is_read_back_the_same(short, tmp_path):
    write_night(short, tmp_path / "night")

    assert read_night(tmp_path / "night") == short


def test_files_sort_in_the_order_of_the_messages(short, tmp_path):
    write_night(short, tmp_path)

    files = sorted((tmp_path / "messages").iterdir())

    assert [file.read_bytes() for file in files] == [m.payload for m in short.messages]
    assert files[0].name.endswith(".avro")
    assert files[-1].name == "00005.igwn.gwalert-demo.json"


def test_truth_lies_apart_from_the_messages(short, tmp_path):
    write_night(short, tmp_path)

    assert (tmp_path / "truth.json").is_file()
    kinds = [row.kind for row in short.truth]
    assert not any(
        kind in file.name for file in (tmp_path / "messages").iterdir() for kind in kinds
    )


def test_a_second_night_does_not_go_into_the_same_folder(short, tmp_path):
    write_night(short, tmp_path)

    with pytest.raises(FileExistsError):
        write_night(short, tmp_path)


def test_another_seed_is_refused_where_there_is_a_night(tmp_path, settings):
    settings.HOME = Home(tmp_path)
    settings.HOME.demo.mkdir()
    (settings.HOME.demo / "night.json").touch()

    with pytest.raises(CommandError, match="another folder"):
        call_command("demo_night", seed=2)
