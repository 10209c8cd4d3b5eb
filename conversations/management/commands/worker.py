"""`manage.py worker`: runs the queue's jobs until it is told to stop.

Procrastinate's own command would run our tasks, which wait for Meta and the model, in asyncio's default pool of a
few threads, whatever its concurrency; this one gives them a pool of their own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.db_cleanup import close_db_connections
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from psycopg.errors import RaiseException

from agent.providers import close_provider

logger = logging.getLogger(__name__)

# How late a job may start that was put off: new ones are announced by PostgreSQL.
POLL_SECONDS = 1.0
QUEUE_CONNECTIONS = 3


class Command(BaseCommand):
    help = "Answers the customers: runs the jobs of the queue until it is stopped (SIGTERM finishes what has begun)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=settings.WORKER_CONCURRENCY)

    def handle(self, *args: Any, concurrency: int, **options: Any) -> None:
        asyncio.run(work(concurrency))


async def work(concurrency: int) -> None:
    """Runs up to `concurrency` jobs at once; what is not asynchronous in them shares WORKER_THREADS.

    Finished jobs are deleted, failed ones stay to be looked at. Raises CommandError when the queue could not be told
    what became of a job: while we live it would be thought to be under way, and its conversation be silent for ever.
    """
    untold: list[asyncio.Task[Any]] = []
    threads = ThreadPoolExecutor(settings.WORKER_THREADS, thread_name_prefix="job")
    asyncio.get_running_loop().set_default_executor(threads)
    with app.replace_connector(_connector()) as worker_app:
        async with worker_app.open_async(), AsyncExitStack() as stack:
            stack.push_async_callback(close_provider)
            await worker_app.run_worker_async(
                concurrency=concurrency,
                delete_jobs="successful",
                fetch_job_polling_interval=POLL_SECONDS,
                shutdown_graceful_timeout=20,
                update_heartbeat_interval=settings.WORKER_HEARTBEAT_SECONDS,
                stalled_worker_timeout=3 * settings.WORKER_HEARTBEAT_SECONDS,
                # Not around what is asynchronous: that asks Django in threads which do so themselves (in_thread).
                task_middleware=[close_db_connections],
                worker_middleware=[partial(_mind, untold)],
            )
    if untold:
        raise CommandError("The worker has lost sight of a job and has to be started again.")


def _connector() -> PsycopgConnector:
    """The queue's own connections. Each of its statements is a transaction by itself, so none needs two more round
    trips to begin and end one."""

    async def configure(connection: AsyncConnection) -> None:
        await connection.set_autocommit(True)

    return PsycopgConnector(kwargs=connector_params(), configure=configure, min_size=1, max_size=QUEUE_CONNECTIONS)


async def _mind(
    untold: list[asyncio.Task[Any]], process: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
) -> Any:
    """Stops the worker when this job ends without the queue's knowing it, and nobody else has it."""

    def has_ended(job: asyncio.Task[Any]) -> None:
        error = None if job.cancelled() else job.exception()
        if error is not None and isinstance(error.__cause__, RaiseException):
            # The queue's own word: one of two was thought dead, and the other has the job or has ended it.
            logger.warning("%s has ended, and is somebody else's by now", context.job.call_string)
        elif error is not None:
            logger.critical("%s has ended, and the queue does not know", context.job.call_string)
            untold.append(job)
            worker.stop()  # type: ignore[no-untyped-call]

    job = asyncio.current_task()
    assert job is not None  # noqa: S101
    job.add_done_callback(has_ended)
    return await process()
