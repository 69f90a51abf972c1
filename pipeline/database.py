"""The PostgreSQL of an instance on more than one machine."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from dagster._core.storage.config import PostgresStorageConfig
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config

LOCK = 0x7470_7566
"""The advisory lock of the database under which its tables are made."""


class Storage(DagsterPostgresStorage):
    """
    Dagster's own storage, whose tables are made by one process at a time.

    Dagster makes them outside a transaction, and looks for only one of them to know whether all are there: processes
    that find an empty database together miss tables that another has yet to make.
    """

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: PostgresStorageConfig) -> DagsterPostgresStorage:
        """The storage; its tables are there when this returns."""
        with _alone(config_value):
            return super().from_config_value(inst_data, config_value)


@contextmanager
def _alone(config_value: PostgresStorageConfig) -> Generator[None]:
    """No other process is in this block with the same database; the lock ends with its connection."""
    url = pg_url_from_config(config_value)
    engine = create_pg_engine(url, get_token_provider_from_config(config_value), poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_lock(LOCK)))
        yield
