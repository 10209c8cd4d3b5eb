"""System prompts: versions that never change, of which one is in force."""

import pytest
from django.db import IntegrityError

from agent.models import SystemPrompt

pytestmark = pytest.mark.django_db
URL = "/v1/agent/system-prompt"


def test_the_tenant_reads_the_prompt_in_force(tenant, api):
    answer = api(tenant).get(URL).json()
    assert (answer["version"], answer["text"]) == (1, "You answer for Café Alameda.")


def test_the_stranger_reads_its_own(tenant, stranger, api):
    assert api(stranger).get(URL).json()["text"] == "You answer for Northwind Bikes."


def test_without_an_active_prompt_it_is_404(tenant, api):
    SystemPrompt.objects.all().delete()
    response = api(tenant).get(URL)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_versions_count_up_per_tenant(tenant, stranger):
    assert SystemPrompt.objects.create(tenant=tenant, text="Two").version == 2
    assert SystemPrompt.objects.create(tenant=stranger, text="Two").version == 2


def test_activating_a_version_ends_the_one_before_and_can_be_taken_back(tenant, api):
    first = SystemPrompt.objects.get(tenant=tenant)
    second = SystemPrompt.objects.create(tenant=tenant, text="Two")
    assert SystemPrompt.active_for(tenant) == first
    second.activate()
    assert api(tenant).get(URL).json()["version"] == 2
    first.activate()
    assert SystemPrompt.active_for(tenant) == first


def test_two_active_prompts_are_impossible(tenant):
    SystemPrompt.objects.create(tenant=tenant, text="Two")
    with pytest.raises(IntegrityError):
        SystemPrompt.objects.update(is_active=True)


def test_a_number_may_have_a_prompt_of_its_own_and_falls_back_to_the_tenants(tenant, api):
    own = SystemPrompt.objects.create(tenant=tenant, text="On this number, be brief.", phone_number_id="101")
    own.activate()
    assert api(tenant).get(URL).json()["text"] == "You answer for Café Alameda."
    assert api(tenant).get(URL, {"phone_number_id": "101"}).json()["text"] == own.text
    assert api(tenant).get(URL, {"phone_number_id": "102"}).json()["text"] == "You answer for Café Alameda."
