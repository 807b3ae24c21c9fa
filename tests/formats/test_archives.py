import gzip
import io
import os
import pwd
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.streams.packets import make_ztf_packet
from tom.formats import archives as packets
from tom.formats.archives import Rejection, open_packets
from tom.formats.containers import read_header
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.surveys.ztf.packets import parse_ztf

MEMBERS = {"b.avro": b"second", "folder/a.json": b"first"}


def tar_of(members, mode):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        archive.add(".", recursive=False)  # a folder is not a packet
        for name, payload in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(payload)
            archive.addfile(info, io.BytesIO(payload))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def zip_of(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        for name, payload in members.items():
            archive.writestr(name, payload)
    return buffer.getvalue()


def opened(path):
    return list(open_packets(path))


@pytest.fixture
def night(tmp_path, monkeypatch):
    """A folder of which not all may be read; even root has no right to the rest here."""
    monkeypatch.chdir(tmp_path)  # what lies above need not be open
    night, before = Path("night"), os.geteuid()
    for name in ("closed/1", "listed/2", "closed file", "open"):
        (night / name).parent.mkdir(parents=True, exist_ok=True)
        (night / name).write_bytes(b"payload")
    for name, mode in (("closed", 0), ("listed", 0o444), ("closed file", 0)):
        (night / name).chmod(mode)
    for folder in (tmp_path, night):
        folder.chmod(0o755)
    os.seteuid(before or pwd.getpwnam("nobody").pw_uid)
    yield night
    os.seteuid(before)
    for folder in ("closed", "listed"):
        (night / folder).chmod(0o700)


def test_a_file_is_one_payload(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"payload")

    assert opened(path) == [(str(path), b"payload")]


def test_a_folder_is_walked_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("c", "b/2", "b/1", "a"):
        (tmp_path / name).write_bytes(name.encode())

    assert [payload for _, payload in opened(tmp_path)] == [b"a", b"b/1", b"b/2", b"c"]


@pytest.mark.parametrize(
    "archive",
    [tar_of(MEMBERS, f"w:{kind}") for kind in ("", "gz", "bz2", "xz")] + [zip_of(MEMBERS)],
)
def test_the_files_of_an_archive_are_payloads_whatever_its_name(tmp_path, archive):
    path = tmp_path / "tar.tst"
    path.write_bytes(archive)

    assert opened(path) == [(f"{path}!{name}", payload) for name, payload in MEMBERS.items()]


def test_a_gzipped_file_is_one_payload(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"payload" * 1000))

    assert opened(path) == [(str(path), b"payload" * 1000)]


def test_a_name_that_climbs_out_is_only_a_label(tmp_path):
    path = tmp_path / "evil.tar"
    path.write_bytes(tar_of({"../../evil": b"x"}, "w"))

    assert opened(path) == [(f"{path}!../../evil", b"x")]
    assert not (tmp_path.parent.parent / "evil").exists()


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: tar_of({"a": data}, "w:gz"), bytes])
def test_what_is_too_large_is_rejected_without_being_held(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(packets, "MAX_PAYLOAD_BYTES", 1000)
    path = tmp_path / "x"
    path.write_bytes(pack(bytes(1001)))

    ((_, rejection),) = opened(path)
    assert rejection == Rejection("larger than 1000 bytes")


def test_what_follows_a_gigantic_member_of_a_tar_is_not_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(packets, "MAX_PAYLOAD_BYTES", 1000)
    monkeypatch.setattr(packets, "MOST_SKIPPED_BYTES", 2000)
    path = tmp_path / "x"
    path.write_bytes(tar_of({"a": b"a", "b": bytes(1500), "c": bytes(2001), "d": b"d"}, "w:gz"))

    first, large, gigantic, (name, rest) = opened(path)

    assert first[1] == b"a"
    assert large[1] == gigantic[1] == Rejection("larger than 1000 bytes")
    assert name == str(path)
    assert "a member of more than 2000 bytes; the rest of the archive was not read" in rest.reason


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(bytes(5000))[:-20],
        tar_of({"a": b"x" * 5000}, "w:gz")[:100],
        zip_of(MEMBERS)[:-30],
        b"PK\x03\x04",
        b"BZh",
        b"\x1f\x8b\x08\x00",
        b"",
    ],
    ids=("gzip", "tar", "zip", "zip's name", "bzip2's name", "gzip's name", "empty"),
)
def test_a_damaged_archive_is_rejected_with_a_reason(tmp_path, damaged):
    path = tmp_path / "x"
    path.write_bytes(damaged)

    *_, (_, rejection) = opened(path)
    assert isinstance(rejection, Rejection)
    assert rejection.reason


def test_a_damaged_member_of_a_zip_is_rejected_by_its_name_and_the_others_are_read(tmp_path):
    path, names = tmp_path / "x", "01234"
    archive = zip_of({name: name.encode() * 50 for name in names})
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        place = read.getinfo("2").header_offset + 30 + len("2")
    path.write_bytes(archive[:place] + b"\xff\xff" + archive[place + 2 :])

    found = dict(opened(path))

    assert list(found) == [f"{path}!{name}" for name in names]
    assert "cannot be read" in found.pop(f"{path}!2").reason
    assert list(found.values()) == [name.encode() * 50 for name in "0134"]


@pytest.mark.parametrize("cut", [0, 1, 700])
def test_a_damaged_tar_says_that_the_rest_was_not_read(tmp_path, cut):
    path = tmp_path / "x"
    archive = tar_of({str(number): b"x" * 500 for number in range(3)}, "w")
    start = archive.index(b"2\0\0\0")  # of the last file's head
    path.write_bytes(archive[: start + cut] if cut else archive[:start] + b"damaged" * 500)

    *_, (_, first), (_, second), (name, rejection) = opened(path)

    assert [first, second] == [b"x" * 500] * 2
    assert name == str(path)
    assert "the rest of the archive was not read" in rejection.reason


def test_a_container_of_many_alerts_becomes_messages_of_one(tmp_path):
    path = tmp_path / "many.avro"
    path.write_bytes(make_ztf_packet(copies=3))

    found = opened(path)

    assert [name for name, _ in found] == [f"{path}#{number}" for number in range(3)]
    assert all(parse_ztf(payload).object_id == "ZTF26aaaaaaa" for _, payload in found)


def test_a_container_of_one_alert_stays_as_it_is(tmp_path):
    path = tmp_path / "one.avro"
    path.write_bytes(make_ztf_packet())

    assert opened(path) == [(str(path), make_ztf_packet())]


@pytest.mark.parametrize(
    ("archive", "read"), [(tar_of(MEMBERS, "w"), [b"second"]), (zip_of(MEMBERS), [])]
)
def test_an_archive_of_too_many_members_says_so(tmp_path, monkeypatch, archive, read):
    monkeypatch.setattr(packets, "MAX_MEMBERS", 2)
    path = tmp_path / "x"
    path.write_bytes(archive)

    *members, (name, rejection) = opened(path)

    assert [payload for _, payload in members] == read
    assert name == str(path)
    assert "more than 2 members" in rejection.reason


def test_what_may_not_be_read_is_rejected_by_its_name_and_the_rest_is_read(night):
    found = dict(opened(night))

    assert found.pop("night/open") == b"payload"
    assert list(found) == ["night/closed file", "night/listed/2", "night/closed"]
    assert all("PermissionError" in rejection.reason for rejection in found.values())


def test_what_follows_a_damaged_record_is_rejected_with_a_reason(tmp_path):
    packet, path = make_ztf_packet(copies=2, codec="null"), tmp_path / "many.avro"
    path.write_bytes(
        packet + packet[read_header(packet).size :].replace(b"ZTF26", b"\xff\xff\xff26")
    )

    *sound, (name, rejection) = opened(path)

    assert [parse_ztf(payload).object_id for _, payload in sound] == ["ZTF26aaaaaaa"] * 2
    assert name == str(path)
    assert "the rest of its records cannot be read" in rejection.reason


def test_a_damaged_container_stays_whole(tmp_path):
    path = tmp_path / "damaged.avro"
    path.write_bytes(make_ztf_packet(copies=3)[:-5])

    assert len(opened(path)) == 1


def test_nothing_at_the_path_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "absent")


def test_every_real_ztf_packet_parses_and_the_rest_is_known_as_none(real_data):
    found = [(name, payload) for name, payload in open_packets(real_data / "ztf")]

    kinds = {name: identify(FILE_TOPIC, payload) for name, payload in found}
    alerts = [
        parse_ztf(payload)
        for name, payload in found
        if kinds[name] == "ztf.avro" and not name.endswith("87704463155000.avro")
    ]
    assert len(alerts) == 246
    others = [name for name, kind in kinds.items() if kind != "ztf.avro"]
    assert len(others) == len(found) - 247 == 11
    assert all(name.endswith((".json", ".avsc")) for name in others if not name.endswith("avro"))
