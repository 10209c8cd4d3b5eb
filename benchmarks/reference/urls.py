"""The least that can answer Meta honestly: the signature, the JSON, and one row that is durable before the answer."""

import hashlib
import json

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from whatsapp.signature import is_signed

TABLE = "benchmark_reference"
CREATE = f"CREATE TABLE {TABLE} (id text PRIMARY KEY, body text NOT NULL, received_at timestamptz DEFAULT now())"
INSERT = f"INSERT INTO {TABLE} (id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"  # noqa: S608


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    if not is_signed(request.body, request.headers.get("X-Hub-Signature-256", ""), settings.META_APP_SECRET):
        return HttpResponse(status=401)
    json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [hashlib.sha256(request.body).hexdigest(), request.body.decode()])
    return HttpResponse("EVENT_RECEIVED", content_type="text/plain", headers={"Content-Length": "14"})


urlpatterns = [path("v1/webhooks/whatsapp", webhook)]
