"""`manage.py seed_demo`: what `./run` shows on a fresh machine. Makes what is missing and changes nothing else.

Secrets are stored as digests only, so the plain ones are kept in a file for the person at this machine.
"""

import json
import os
import secrets
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from agent.models import SystemPrompt
from tenants.models import ApiKey, Membership, Tenant
from whatsapp.models import WhatsappConnection
from whatsapp.templates import queue_sync

STAFF = "admin"
KEY_NAME = "local"
CONNECTED, UNCONNECTED = "cafe-alameda", "clinica-sonrisa"
PROMPTS = {
    CONNECTED: """\
You answer the customers of Café Alameda, a café and bakery in Madrid, on WhatsApp.
Opening hours: every day from 8:00 to 20:00. Help with opening hours, the menu, orders and table bookings.
Answer in the customer's language, briefly and warmly.
For anything else, or when asked for a person, give the phone number +34 910 555 010.""",
    UNCONNECTED: """\
You answer the patients of Clínica Dental Sonrisa in Barcelona on WhatsApp.
Help with appointments, prices and directions. Never give medical advice: offer an appointment instead.
Answer in the patient's language, briefly and kindly.
When asked for a person, give the phone number +34 931 555 020.""",
}
NAMES = {CONNECTED: "Café Alameda", UNCONNECTED: "Clínica Dental Sonrisa"}


class Command(BaseCommand):
    help = "Seeds a demo: two tenants, one of them connected to the simulated Meta, a prompt each, staff and keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credentials", type=Path, required=True, help="JSON file for the plain secrets.")

    @transaction.atomic
    def handle(self, *args: Any, credentials: Path, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo data is for one's own machine: DEBUG is off.")
        known = json.loads(credentials.read_text()) if credentials.exists() else {}
        known_keys = {tenant["slug"]: tenant["api_key"] for tenant in known.get("tenants", [])}
        staff = _staff(known.get("staff", {}).get("password", ""))
        tenants = [_tenant(slug, known_keys.get(slug, "")) for slug in NAMES]
        _connect_demo(Tenant.objects.get(slug=CONNECTED))
        _write(credentials, {"staff": staff, "tenants": tenants})


def _staff(password: str) -> dict[str, str]:
    """The staff user, with this password or, where it is not theirs, a new one."""
    user, _created = get_user_model().objects.get_or_create(
        username=STAFF, defaults={"is_staff": True, "is_superuser": True}
    )
    if not (password and user.check_password(password)):
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save()
    return {"username": STAFF, "password": password}


def _tenant(slug: str, api_key: str) -> dict[str, object]:
    tenant, created = Tenant.objects.get_or_create(slug=slug, defaults={"name": NAMES[slug], "language": "es"})
    if created:
        SystemPrompt.objects.create(tenant=tenant, text=PROMPTS[slug], note="Demo").activate()
    Membership.objects.get_or_create(tenant=tenant, user=get_user_model().objects.get(username=STAFF))
    key = ApiKey.find(api_key) if api_key else None
    if key is None or key.tenant != tenant:
        api_key = _new_key(tenant)
    return {"name": tenant.name, "slug": slug, "api_key": api_key, "connected": slug == CONNECTED}


def _new_key(tenant: Tenant) -> str:
    for old in ApiKey.objects.for_tenant(tenant).filter(name=KEY_NAME):
        old.revoke()
    key = ApiKey(tenant=tenant, name=KEY_NAME)
    secret = key.make_secret()
    key.save()
    return secret


def _connect_demo(tenant: Tenant) -> None:
    """Connects the first tenant as if it had been through the simulated Meta's dialog: its templates are read, too."""
    output = StringIO()
    call_command("sandbox", print_demo=True, stdout=output)
    facts = json.loads(output.getvalue())
    connection = WhatsappConnection.objects.filter(phone_number_id=facts["phone_number_id"]).first()
    if connection is None:
        now = timezone.now()
        connection = WhatsappConnection.objects.create(tenant=tenant, subscribed_at=now, registered_at=now, **facts)
        connection.connected()
    if connection.templates_synced_at is None:
        queue_sync(connection)


def _write(path: Path, content: dict[str, object]) -> None:
    """Whole or not at all, and readable by nobody else."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
    new.replace(path)
