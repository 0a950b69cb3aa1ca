from __future__ import annotations

import pytest

from inference.engines.moshi_server.addresses import DIALECTS, Leases, Server, read_servers


def test_read_one_address() -> None:
    assert read_servers("wss://moshi.example:8998/api/chat") == (
        Server("wss://moshi.example:8998/api/chat", DIALECTS["python"]),
    )


def test_read_several() -> None:
    text = " ws://10.0.0.1:8998, rust+wss://moshi.example/;slots=4\n personaplex+wss://[::1]:8998/other/chat?key=k "
    assert read_servers(text) == (
        Server("ws://10.0.0.1:8998/api/chat", DIALECTS["python"]),
        Server("wss://moshi.example/api/chat", DIALECTS["rust"], 4),
        Server("wss://[::1]:8998/other/chat?key=k", DIALECTS["personaplex"]),
    )


def test_shown_without_credentials() -> None:
    (server,) = read_servers("mlx+wss://anna:secret@moshi.example:8998/api/chat?token=secret;slots=2")
    assert server.shown == "wss://moshi.example:8998/api/chat"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ws://ok http://moshi.example", "address 2 should read ws://host:port/path or wss://host/path"),
        ("moshi.example:8998", "address 1 should read ws://host:port/path or wss://host/path"),
        ("swift+ws://moshi.example", "address 1 has the dialect 'swift'; there are python, mlx, rust, personaplex"),
        ("ws://moshi.example;slots=0", "address 1 ends in 'slots=0'; only slots=1 to slots=512 can stand there"),
        ("ws://moshi.example;voice=x", "address 1 ends in 'voice=x'; only slots=1 to slots=512 can stand there"),
        ("ws://moshi.example:port", "address 1 has a port or host that cannot be"),
        ("ws://moshi.example/#chat", "address 1 has a #, which no server would see"),
    ],
)
def test_read_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("?", r"\?")) as caught:
        read_servers(text)
    assert str(caught.value) == reason


def test_leases_spread_over_the_servers() -> None:
    servers = read_servers("ws://a ws://b;slots=2")
    leases = Leases(servers)
    assert [leases.take(row) for row in range(3)] == [servers[0], servers[1], servers[1]]


def test_leases_give_back() -> None:
    servers = read_servers("ws://a ws://b")
    leases = Leases(servers)
    leases.take(0)
    leases.take(1)
    leases.give_back(0)
    assert leases.take(5) == servers[0]


def test_leases_the_longest_rested_first() -> None:
    """A server that ends every take at once does not get every take."""
    servers = read_servers("ws://a ws://b")
    leases = Leases(servers)
    taken = []
    for _ in range(4):
        taken.append(leases.take(0))
        leases.give_back(0)
    assert taken == [servers[0], servers[1], servers[0], servers[1]]
