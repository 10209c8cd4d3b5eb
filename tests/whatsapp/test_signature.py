"""Meta's signatures, by its own rules and by vectors that everybody can compute."""

import pytest

from whatsapp.signature import appsecret_proof, is_signed, sign

SECRET = "test_app_secret"
ESCAPED = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
    rb'{"messages":[{"text":{"body":"Gr\u00fc\u00dfe \ud83d\ude00 a\/b"}}]}}]}]}'
)


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (
            b'{"object":"whatsapp_business_account","entry":[]}',
            "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        ),
        (ESCAPED, "41351af410c853a50785891ae1adcd150386a508bac22b4a2ecc926739c83b3b"),
    ],
)
def test_the_bytes_as_sent_are_signed(body, digest):
    assert sign(body, SECRET) == f"sha256={digest}"
    assert is_signed(body, f"sha256={digest}", SECRET)


@pytest.mark.parametrize(
    "header",
    ["", "sha256=", "sha256=invalid", "sha256=" + "é" * 64, sign(b"{}", SECRET)[7:], sign(b"{}", SECRET).upper()],
)
def test_no_other_header_is_accepted(header):
    assert not is_signed(b"{}", header, SECRET)


def test_an_empty_secret_verifies_nothing():
    assert not is_signed(b"{}", sign(b"{}", ""), "")


def test_the_proof_of_a_token():
    expected = "20ac0cb5282ee2c7a1aab2e40deb7f62163ab1c7be37a71fd311a963f224b984"
    assert appsecret_proof("EAAtesttoken123", SECRET) == expected
