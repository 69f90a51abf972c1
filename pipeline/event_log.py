"""
Dagster's event log in one SQLite file that stays open.

Dagster's own keeps a file for each run, which takes 130 kB before the first event, writes what belongs to an asset into
a second one as well, and opens and closes a file for every event: of a run that finds all its stages in the store,
that is half of the bytes and of the time.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy
import sqlalchemy.event
from dagster._core.event_api import EventHandlerFn
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, SqlPollingEventWatcher

BUSY_SECONDS = 60
"""How long a writer waits for another one."""

CONNECTIONS = 32
"""At most, in one process: the web server asks from many threads."""


class EventLog(ConsolidatedSqliteEventLogStorage):
    """The log of one machine's instance; processes and threads may share it. Many machines share a Postgres."""

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back with each event of a run. By asking: an open database writes beside the file, unseen."""
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        """Call that back no more."""
        self._watcher.unwatch_run(run_id, handler)

    def has_table(self, table_name: str) -> bool:
        """Whether the database has that table."""
        return sqlalchemy.inspect(self._engine).has_table(table_name)

    def dispose(self) -> None:
        """Close the database."""
        self._watcher.close()
        self._engine.dispose()

    @contextmanager
    def _connect(self) -> Generator[sqlalchemy.Connection]:
        with self._engine.begin() as connection:
            yield connection

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        waits = {"timeout": BUSY_SECONDS}
        engine = sqlalchemy.create_engine(self._conn_string, pool_size=CONNECTIONS, connect_args=waits)
        sqlalchemy.event.listen(engine, "connect", _sync_at_checkpoints)
        return engine

    @cached_property
    def _watcher(self) -> SqlPollingEventWatcher:
        return SqlPollingEventWatcher(self)


def _sync_at_checkpoints(connection: sqlite3.Connection, _: object) -> None:
    """Not to the disk at each event: a loss of power may take the last ones, never the file's integrity."""
    connection.execute("PRAGMA synchronous = NORMAL")
