"""`manage.py check_connections`: the doctor's round, now, as a table."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import Tenant
from whatsapp.health import examine
from whatsapp.models import WhatsappConnection
from whatsapp.tasks import living

ROW = "{:<24} {:<20} {:<8} {:<13} {}"


class Command(BaseCommand):
    help = "Examines every connected number, or those of one tenant, and prints what was found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="The tenant's slug.")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = living().select_related("tenant").order_by("tenant__slug", "created_at")
        if slug := options["tenant"]:
            if not Tenant.objects.filter(slug=slug).exists():
                raise CommandError(f"There is no tenant {slug!r}.")
            connections = connections.filter(tenant__slug=slug)
        self.stdout.write(ROW.format("TENANT", "NUMBER", "STATE", "CHECK", "FINDING"))
        for connection in connections:
            self._print(connection)

    def _print(self, connection: WhatsappConnection) -> None:
        for finding in examine(connection):
            said = f"{finding.what} {finding.fix}".strip()
            about = f" [{finding.detail}]" if finding.detail else ""
            cells = (connection.tenant.slug[:24], str(connection)[:20], finding.state, finding.check, said + about)
            self.stdout.write(ROW.format(*cells))
