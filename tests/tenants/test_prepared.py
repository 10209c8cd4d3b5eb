"""Prepared statements find what Django's own would, and several of them go to PostgreSQL together."""

from contextlib import nullcontext

import pytest
from django.db import DataError, connection, transaction
from django.db.models import F

from tenants.models import Membership, Tenant
from tenants.prepared import AnyGiven, Given, Prepared, PreparedUpdate, together

pytestmark = pytest.mark.django_db

BY_SLUG = Prepared(lambda: Tenant.objects.filter(slug=AnyGiven("slugs")).order_by("name"))
MEMBERS = Prepared(
    lambda: Membership.objects.filter(tenant=Given("tenant")).select_related("tenant", "user").annotate(whose=F("user"))
)
NAMES = Prepared(lambda: Tenant.objects.filter(pk=Given("tenant")).values_list("name", "language"))
LOCKED = Prepared(lambda: Tenant.objects.select_for_update().filter(pk=Given("tenant")))
RENAME = PreparedUpdate(lambda: Tenant.objects.filter(pk=Given("tenant"), language="es"), name=Given("name"))


def test_a_prepared_query_finds_rows_of_several_values_and_of_none(tenant, stranger):
    assert BY_SLUG(slugs=[tenant.slug, stranger.slug]) == sorted([tenant, stranger], key=lambda row: row.name)
    assert BY_SLUG(slugs=[stranger.slug]) == [stranger]
    assert BY_SLUG(slugs=[]) == []


def test_its_rows_are_whole_with_what_they_belong_to(tenant, admin_user, django_assert_num_queries):
    Membership.objects.create(tenant=tenant, user=admin_user)
    with django_assert_num_queries(1):
        [member] = MEMBERS(tenant=tenant.pk)
        assert (member.tenant, member.user, member.whose) == (tenant, admin_user, admin_user.pk)
    assert NAMES(tenant=tenant.pk) == [(tenant.name, tenant.language)]


def test_a_prepared_update_tells_how_many_rows_it_has_changed(tenant, stranger):
    Tenant.objects.filter(pk=stranger.pk).update(language="en")
    assert RENAME(tenant=tenant.pk, name="%s; DROP TABLE tenants_tenant") == 1
    assert RENAME(tenant=stranger.pk, name="other") == 0
    tenant.refresh_from_db()
    assert tenant.name == "%s; DROP TABLE tenants_tenant"


def test_several_are_one_round_trip_and_each_has_its_result(tenant, stranger, django_assert_num_queries):
    with django_assert_num_queries(1):
        first, changed, last = together(
            NAMES.asked(tenant=stranger.pk), RENAME.asked(tenant=tenant.pk, name="new"), NAMES.asked(tenant=tenant.pk)
        )
    assert (first, changed, last) == ([(stranger.name, stranger.language)], 1, [("new", tenant.language)])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_transaction", [True, False])
def test_when_one_of_several_fails_nothing_is_changed(tenant, in_transaction):
    with pytest.raises(DataError), transaction.atomic() if in_transaction else nullcontext():
        together(RENAME.asked(tenant=tenant.pk, name="new"), RENAME.asked(tenant=tenant.pk, name="x" * 201))
    assert connection.get_autocommit()
    assert Tenant.objects.get(pk=tenant.pk).name == tenant.name


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_in_a_transaction_only(tenant):
    with transaction.atomic():
        assert LOCKED(tenant=tenant.pk) == [tenant]
    with pytest.raises(transaction.TransactionManagementError):
        LOCKED(tenant=tenant.pk)
