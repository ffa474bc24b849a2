"""A customer remembers which fields had a value once: in doubt, that tells a cleared field from an empty one."""

from __future__ import annotations

from customer import UNKNOWN, Address, Customer

FULL = Customer(
    id=1, phone="+819000000001", last_kana="ミホン", tags=("会員",), address=Address(zip="100-0014", city="千代田区")
)


def test_a_field_that_had_a_value_and_has_none_is_remembered_until_it_has_one_again() -> None:
    cleared = FULL.seen_with(Customer(id=1, phone=None, tags=()))
    assert cleared.cleared == ("phone", "tags")
    assert cleared.seen_with(Customer(id=1, last_name="見本")).cleared == ("phone", "tags")
    assert cleared.seen_with(Customer(id=1, phone="+819000000002", tags=("会員",))).cleared == ()


def test_what_never_had_a_value_was_never_cleared() -> None:
    assert Customer(id=1).seen_with(Customer(id=1, phone=None)).cleared == ()


def test_an_address_that_lost_a_part_was_cleared() -> None:
    assert FULL.seen_with(Customer(id=1, address=Address(city="千代田区"))).cleared == ("address",)
    assert FULL.seen_with(Customer(id=1, address=Address(zip="100-0014", city="港区"))).cleared == ()


def test_it_is_memory_and_no_change() -> None:
    cleared = FULL.seen_with(Customer(id=1, phone=None))
    assert cleared.says_the_same_as(
        Customer(id=1, last_kana="ミホン", tags=("会員",), address=FULL.address, phone=None)
    )
    assert cleared.without_cleared().phone is UNKNOWN


def test_it_is_kept_in_json_only_where_there_is_something_to_remember() -> None:
    cleared = FULL.seen_with(Customer(id=1, phone=None))
    assert Customer.from_json(cleared.to_json()) == cleared
    assert "cleared" not in FULL.to_json()


def test_the_same_told_again_forgets_nothing_that_was_cleared() -> None:
    whole = Customer(id=1, address=Address(zip="604-8005", address2="2F"))
    less = Customer(id=1, address=Address(zip="604-8005"))
    assert whole.seen_with(less).seen_with(less).cleared == ("address",)
