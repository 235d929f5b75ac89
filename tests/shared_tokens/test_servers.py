"""The database servers that the tests start."""

import psycopg
import pytest
import redis

from tests.support.postgres import PostgresServer
from tests.support.valkey import Valkey


def test_each_test_has_a_postgres_database_to_itself(postgres_server: PostgresServer) -> None:
    """A table created in one database is unknown in the next."""
    for _ in range(2):
        with psycopg.connect(postgres_server.create_database()) as connection:
            connection.execute("CREATE TABLE unique_name (id int)")


def test_valkey_restarts_at_the_same_address(valkey: Valkey) -> None:
    """It refuses connections while it is stopped, and has no data afterwards."""
    with valkey.client() as client:
        client.set("key", "value")
        valkey.stop()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        valkey.start()
        assert client.get("key") is None
