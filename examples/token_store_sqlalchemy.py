"""A token store in the application's PostgreSQL database, with SQLAlchemy.

    engine = create_async_engine("postgresql+psycopg://...")
    campus = NexportCampus(auth, token_store=DatabaseTokenStore(engine), token_encryption_keys=keys)

Create the table with your migrations, or once with `metadata.create_all`. Expiry depends on the database's clock. The lock
ends with its transaction, and so with the connection of a process that was killed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, String, Table, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

metadata = MetaData()
tokens = Table(
    "nexport_tokens",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
)


class DatabaseTokenStore:
    """A `nexport_campus.TokenStore`. The engine needs two connections at a time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None."""
        alive = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > func.now())
        async with self._engine.connect() as connection:
            value: bytes | None = await connection.scalar(
                select(tokens.c.value).where(tokens.c.key == key, alive)
            )
            return value

    async def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Store a value for `ttl` seconds, or until it is replaced."""
        row = {"value": value, "expires_at": None if ttl is None else func.now() + timedelta(seconds=ttl)}
        upsert = insert(tokens).values(key=key, **row).on_conflict_do_update(index_elements=["key"], set_=row)
        async with self._engine.begin() as connection:
            await connection.execute(upsert)

    async def delete(self, key: str, *, if_value: bytes) -> None:
        """Delete a key if it still has this value."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(tokens).where(tokens.c.key == key, tokens.c.value == if_value))

    @asynccontextmanager
    async def lock(self, key: str, *, ttl: float) -> AsyncIterator[None]:
        """Hold the key's lock. It needs no `ttl`, because it ends with the connection."""
        async with self._engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
            yield
