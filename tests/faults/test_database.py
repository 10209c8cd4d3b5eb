"""PostgreSQL is stopped and started again, or killed and recovers, at every step: web and worker go on by themselves.

The web process lives through it. A worker may stop, and is started again as `./run` and `compose.yaml` do.
"""

import pytest

from tests.faults.tables import at, steps_of, try_all

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("end", ["stop", "crash"])
@pytest.mark.parametrize("role", ["web", "worker"])
def test_the_database_ends_at_every_step(fragile_world, role, end, tmp_path):
    steps = steps_of(fragile_world, role, tmp_path)
    cases = try_all(fragile_world, role, at(steps, end), tmp_path)
    assert [str(case) for case in cases if case.struck and not case.outcomes["database was gone"]] == []
