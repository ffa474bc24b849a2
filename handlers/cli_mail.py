"""`flask mail`: the welcome mail as its readers will see it, and a trial of the mail server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup

from handlers.terminal import GetHouse, Said, clearly, out

if TYPE_CHECKING:
    from clients.mail.letters import Letters, Reader

_LANG = click.option("--lang", default="ja", show_default=True, help="ja, en, or a folder of MAIL_TEMPLATES.")
_VARIANT = click.option(
    "--variant",
    type=click.Choice(("member", "linked", "wait")),
    default="member",
    show_default=True,
    help="A new member, one who has a card, or one who is not known at the till yet.",
)


def register(cli: click.Group, house: GetHouse) -> None:
    """Add `flask mail` to ``cli``; ``house`` is asked only when a command runs."""
    group = AppGroup("mail", help="The welcome mail.")
    group.add_command(_preview(house))
    group.add_command(_test(house))
    cli.add_command(group)


def _preview(house: GetHouse) -> click.Command:
    @click.command("preview")
    @_LANG
    @_VARIANT
    @click.option(
        "--out", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write it into this folder."
    )
    def preview(lang: str, variant: str, folder: Path | None) -> None:
        """Show the mail for an invented customer, from the templates in force; nothing is sent."""

        def show() -> None:
            letters = _checked(house().letters(), lang)
            if folder is None:
                letter = letters.write(_sample(variant), language=lang)
                out.print(letter.subject, style="bold", highlight=False, markup=False)
                out.print(f"\n{letter.text}", highlight=False, markup=False)
            else:
                _write(letters, _sample(variant), lang, folder)
                out.print(f"written: look at {folder / 'body.html'} in a browser", highlight=False, markup=False)

        clearly(show)

    return preview


def _test(house: GetHouse) -> click.Command:
    @click.command("test")
    @click.argument("address")
    @_LANG
    @_VARIANT
    def test(address: str, lang: str, variant: str) -> None:
        """Send the mail for an invented customer to ADDRESS, your own, through SMTP_URL."""

        def send() -> None:
            h = house()
            lane: Any = next((lane for lane in h.lanes() if lane.name == "mail"), None)
            if lane is None:
                raise Said("SMTP_URL and MAIL_FROM are not both set: set them, and try again")
            _checked(lane.letters, lang)
            try:
                told = lane.send_sample(address, _sample(variant), language=lang)
            except ValueError:
                raise Said("this is not an address that mail can be sent to") from None
            out.print(f"the mail server has taken it{f' as {told}' if told else ''}", highlight=False, markup=False)
            if why := h.lanes_off.get("mail"):
                out.print(f"the lane is off ({why}): nobody who registers is sent one", highlight=False)

        clearly(send)

    return test


def _checked(letters: Letters, lang: str) -> Letters:
    """The letters, when every template is right. Raises ``StopLane`` with the mend, and ``Said``."""
    letters.check()
    if lang not in letters.languages:
        raise Said(f"there is no language {lang}: there are {', '.join(letters.languages)}")
    return letters


def _write(letters: Letters, reader: Reader, lang: str, folder: Path) -> None:
    from clients.mail.barcode import png  # noqa: PLC0415 - the web door imports these commands too, and draws nothing

    letter = letters.write(reader, picture="member.png", language=lang)
    folder.mkdir(parents=True, exist_ok=True)
    made = {"subject.txt": f"{letter.subject}\n", "body.txt": letter.text, "body.html": letter.html}
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    if reader.barcode:
        (folder / "member.png").write_bytes(png(reader.barcode))


def _sample(variant: str) -> Reader:
    from clients.mail.letters import samples  # noqa: PLC0415

    return next(one for one in samples() if one.variant == variant)
