from pathlib import Path

import pytest

from tom.streams.credentials import CredentialError, find_credential, group_of


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch) -> Path:
    """An empty store of hop's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "hop" / "auth.toml"
    path.parent.mkdir()
    return path


def write(store: Path, text: str, *, mode: int = 0o600) -> None:
    store.write_text(text)
    store.chmod(mode)


def test_hops_own_store_is_read(store: Path):
    write(store, '[[auth]]\nusername = "me-1"\npassword = "p"\nhostname = "kafka.scimma.org"\n')

    credential = find_credential("kafka.scimma.org")

    assert credential is not None
    assert (credential.username, credential.mechanism) == ("me-1", "SCRAM-SHA-512")
    assert group_of(credential) == "me-1-counterpart"


def test_the_environment_gives_a_credential_for_each_broker(settings):
    settings.HOP_USERNAME, settings.HOP_PASSWORD = "me-1", "p"
    settings.GCN_CLIENT_ID, settings.GCN_CLIENT_SECRET = "client", "s"

    hop, gcn = find_credential("kafka.scimma.org"), find_credential("kafka.gcn.nasa.gov")

    assert hop is not None
    assert gcn is not None
    assert (hop.username, hop.mechanism) == ("me-1", "SCRAM-SHA-512")
    assert (gcn.username, gcn.mechanism) == ("client", "OAUTHBEARER")
    assert gcn.token_endpoint == "https://auth.gcn.nasa.gov/oauth2/token"


def test_a_named_group_is_used_as_it_is(settings):
    settings.STREAM_GROUP = "me-1-dev"

    assert group_of(None) == "me-1-dev"


def test_a_broker_on_this_machine_may_be_open_and_any_other_may_not():
    assert find_credential("localhost:9092") is None
    assert find_credential("127.0.0.1:9092") is None
    with pytest.raises(CredentialError, match=r"no credential for kafka\.scimma\.org"):
        find_credential("kafka.scimma.org")


def test_one_brokers_credential_is_never_sent_to_another(settings):
    settings.HOP_USERNAME, settings.HOP_PASSWORD = "me-1", "p"

    with pytest.raises(CredentialError):
        find_credential("kafka.example.org")


def test_two_credentials_for_a_broker_want_the_user_named(store: Path):
    entry = '[[auth]]\nusername = "{}"\npassword = "p"\nhostname = "a"\n'
    write(store, entry.format("one") + entry.format("two"))

    with pytest.raises(CredentialError, match="Ambiguous"):
        find_credential("a")
    chosen = find_credential("a", "two")
    assert chosen is not None
    assert chosen.username == "two"


@pytest.mark.parametrize(
    ("text", "mode"),
    [("[[auth]]\n", 0o644), ("not toml [", 0o600), ("", 0o600), ('[[auth]]\nusername="x"', 0o600),
     ('[[auth]]\nusername="x"\npassword="hunter2"\nmechanism="MD5"', 0o600)],
)  # fmt: skip
def test_a_store_that_cannot_be_read_is_said_and_no_secret_with_it(
    store: Path, text: str, mode: int
):
    write(store, text, mode=mode)

    with pytest.raises(CredentialError) as refusal:
        find_credential("localhost")

    assert "hunter2" not in str(refusal.value)


def test_an_unknown_mechanism_is_said(settings):
    settings.HOP_USERNAME, settings.HOP_MECHANISM = "me", "MD5"

    with pytest.raises(CredentialError, match="SCRAM-SHA-256"):
        find_credential("kafka.scimma.org")
