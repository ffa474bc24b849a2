"""Japanese data: how names, readings, addresses, numbers and dates of Japan are written; pure, and knowing no lane."""

from japan.address import address_line, lies_abroad
from japan.birth_date import birth_date
from japan.characters import clean
from japan.fixed import Fixed
from japan.gender import gender
from japan.kana import kana
from japan.mail import email
from japan.phone import e164, phone, phone_e164
from japan.postcode import postcode
from japan.prefectures import prefecture

__all__ = [
    "Fixed",
    "address_line",
    "birth_date",
    "clean",
    "e164",
    "email",
    "gender",
    "kana",
    "lies_abroad",
    "phone",
    "phone_e164",
    "postcode",
    "prefecture",
]
