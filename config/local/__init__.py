"""What `./run` does once the packages are there: the database, the processes and the checks of one's own machine.

Not a part of the product: nothing of the product imports it, and production never does.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class CannotGoOn(Exception):
    """Says in one or two sentences what is in the way and what to type; shown without a traceback."""
