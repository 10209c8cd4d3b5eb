"""A make-believe Meta and model that cost next to nothing, and note what was asked of them and when.

Knows the two calls of a turn; nothing of the product. Serves from a thread of its own, so that it can be asked at once.
"""

import asyncio
import json
import logging
import threading
import time
from collections import Counter
from typing import Any

from aiohttp import web

logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # whoever is killed says no goodbye

USAGE = {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


class Counterparts:
    """Meta under /graph, the Messages API under /anthropic."""

    def __init__(self, thinking_seconds: float) -> None:
        self.thinking_seconds = thinking_seconds
        self.thinking = self.most_thinking = 0
        self.sent: Counter[str] = Counter()
        self.sent_at: dict[str, float] = {}
        self.port = 0
        self._started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._started.wait(10)

    async def _serve(self) -> None:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/anthropic/v1/messages", self._think)
        application.router.add_post("/graph/{version}/{number}/messages", self._take)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
        await site.start()
        self.port = runner.addresses[0][1]
        self._started.set()
        await asyncio.Event().wait()

    async def _think(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.thinking += 1
        self.most_thinking = max(self.most_thinking, self.thinking)
        await asyncio.sleep(self.thinking_seconds)
        self.thinking -= 1
        answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "usage": USAGE}
        answer |= {"content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn", "stop_sequence": None}
        return web.json_response(answer, headers={"request-id": "req_1"})

    async def _take(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = json.loads(await request.text())
        if body.get("status") == "read":
            return web.json_response({"success": True})
        to = str(body.get("to"))
        self.sent[to] += 1
        self.sent_at.setdefault(to, time.monotonic())
        accepted = {"id": f"wamid.{body['biz_opaque_callback_data']}", "message_status": "accepted"}
        return web.json_response({"messaging_product": "whatsapp", "contacts": [], "messages": [accepted]})
