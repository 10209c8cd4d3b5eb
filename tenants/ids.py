"""The id of every row: a UUIDv7, so that new rows land at the end of the index.

Knows nothing of what it names. PostgreSQL 15 has no uuidv7(), Python before 3.14 neither.
"""

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """Returns a new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
