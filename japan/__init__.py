"""Japanese data: how names, readings, addresses, numbers and dates of Japan are written; pure, and knowing no lane."""

from japan.address import address_line, lies_abroad, postcode_of
from japan.address_parts import parts_of
from japan.address_text import tidy
from japan.birth_date import birth_date
from japan.characters import clean
from japan.fixed import Fixed
from japan.gender import gender
from japan.invisible import is_blank
from japan.kana import kana
from japan.mail import email, mailbox, spellings
from japan.one_field import whole_name
from japan.phone import e164, phone, phone_e164
from japan.phone_of import phone_of
from japan.postcode import postcode
from japan.prefectures import prefecture
from japan.whose import laid_over, owned

__all__ = [
    "Fixed",
    "address_line",
    "birth_date",
    "clean",
    "e164",
    "email",
    "gender",
    "is_blank",
    "kana",
    "laid_over",
    "lies_abroad",
    "mailbox",
    "owned",
    "parts_of",
    "phone",
    "phone_e164",
    "phone_of",
    "postcode",
    "postcode_of",
    "prefecture",
    "spellings",
    "tidy",
    "whole_name",
]
