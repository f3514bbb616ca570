"""What Meta recognises people by: Meta's own SDK is the judge."""

import hashlib

import pytest
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.user_data import UserData

from connector.conversions.model.matching import Buyer, write_match


def sha(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


# The vectors for e-mail, phone, names and city are those of Meta's page on customer information parameters (recalled).
@pytest.mark.parametrize(
    ("field", "value", "name", "normalised"),
    [
        ("emails", (" John_Smith@gmail.com ",), "em", "john_smith@gmail.com"),
        ("phones", ("+1 (606) 555-9424",), "ph", "16065559424"),
        ("phones", ("0044 20 7946 0018",), "ph", "442079460018"),
        ("first_name", " Mary ", "fn", "mary"),
        ("last_name", "정", "ln", "정"),
        ("city", "New York, N.Y. 10", "ct", "newyork,ny"),
        ("region", " C-A ", "st", "ca"),
        ("postal_code", "94025-1234", "zp", "94025"),
        ("postal_code", "M1 1AE", "zp", "m11ae"),
        ("country_code", "US", "country", "us"),
        ("birth_date", "19970216", "db", "19970216"),
        ("gender", "Female", "ge", "f"),
        ("external_id", "Buyer-7", "external_id", "buyer-7"),
    ],
)
def test_values_are_normalised_and_hashed(field: str, value: object, name: str, normalised: str) -> None:
    """Each value is normalised as Meta says, then hashed with SHA-256."""
    assert {name: [sha(normalised)]} == write_match(Buyer(**{field: value}))  # type: ignore[arg-type] # by name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("emails", ("nobody",)),
        ("phones", ("020 7946 0018",)),
        ("phones", ("call me",)),
        ("country_code", "USA"),
        ("birth_date", "19971316"),
        ("birth_date", "16/02/1997"),
        ("gender", "x"),
        ("city", "123"),
        ("first_name", "  "),
    ],
)
def test_what_cannot_be_normalised_is_left_out(field: str, value: object) -> None:
    """A wrong value is not sent as if it were a right one."""
    assert {} == write_match(Buyer(**{field: value}))  # type: ignore[arg-type] # by name


def test_hashes_and_plain_values_stay_as_they_are() -> None:
    """What is hashed already is not hashed twice; what Meta wants plain is only trimmed; of two equal values one is sent."""
    hashed = sha("john@gmail.com")
    buyer = Buyer(
        emails=(hashed.upper(), "John@gmail.com"), client_user_agent=" Mozilla/5.0 ", fbc="fb.1.1.AbC", fbp="fb.1.2.3"
    )
    assert {"em": [hashed], "client_user_agent": "Mozilla/5.0", "fbc": "fb.1.1.AbC", "fbp": "fb.1.2.3"} == write_match(
        buyer
    )


def test_metas_sdk_hashes_alike() -> None:
    """For values that are right, every hash is the one Meta's own SDK makes."""
    texts = {
        "city": "São Paulo",
        "first_name": "Béatrice",
        "last_name": "O'Neil",
        "postal_code": "SW1A 2AA",
        "country_code": "GB",
    }
    ours = write_match(
        Buyer(emails=("A.B@Example.com",), phones=("+44 20 7946-0018",), gender="f", birth_date="19970216", **texts)
    )
    theirs = UserData(
        emails=["A.B@Example.com"], phones=["+44 20 7946-0018"], genders=[Gender.FEMALE], dates_of_birth=["19970216"],
        first_names=["Béatrice"], last_names=["O'Neil"], cities=["São Paulo"], zip_codes=["SW1A 2AA"], country_codes=["GB"],
    ).normalize()  # fmt: skip
    assert {name: sorted(values) for name, values in theirs.items()} == {
        name: sorted(values) for name, values in ours.items()
    }


def test_a_buyer_is_shown_nowhere() -> None:
    """Whatever prints a buyer, as a traceback might, tells nothing of them."""
    assert "secret" not in repr(Buyer(emails=("secret@example.com",), first_name="secret"))
