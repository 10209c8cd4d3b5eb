"""`./run bench [part …]`: runs the parts and prints a table. Has a database of its own, made anew each time."""

import os
import sys

import django
from django.core.management import call_command


def main(names: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from benchmarks.turns import PARTS

    call_command("migrate", verbosity=0)
    unknown = set(names) - set(PARTS)
    if unknown:
        raise SystemExit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    for name in names or PARTS:
        print(f"{name} …", flush=True)
        for what, value in PARTS[name]():
            print(f"  {what:<70}{value}", flush=True)


main(sys.argv[1:])
