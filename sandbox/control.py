"""The doors under /sandbox: set and lift faults and limits, see calls and records, start anew."""

import re
from typing import TYPE_CHECKING

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox.faults import FaultRefused
from sandbox.hubspot_errors import Refused
from sandbox.smaregi_fields import Problem

if TYPE_CHECKING:
    from sandbox.world import World


def blueprint(world: "World") -> Blueprint:
    """`/sandbox/`: `faults`, `limits`, `calls`, `writes`, `flag-writes`, `records`, `mails`, `seed`, `smaregi`…"""
    doors = Blueprint("control", "sandbox.control", url_prefix="/sandbox")
    _fault_doors(doors, world)
    _call_doors(doors, world)
    _write_doors(doors, world)
    _record_doors(doors, world)
    return doors


def _fault_doors(doors: Blueprint, world: "World") -> None:
    @doors.post("/faults")
    def add_fault() -> ResponseReturnValue:
        asked = request.get_json()
        if not isinstance(asked, dict) or not {"system", "kind"} <= asked.keys():
            return {"error": "a fault is an object with at least `system` and `kind`"}, 400
        try:
            return {"id": world.faults.add(**asked)}, 201
        except FaultRefused as error:
            return {"error": str(error)}, 400

    @doors.get("/faults")
    def list_faults() -> ResponseReturnValue:
        return world.faults.listed()

    @doors.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        world.faults.clear()
        return "", 204

    @doors.delete("/faults/<int:fault_id>")
    def remove_fault(fault_id: int) -> ResponseReturnValue:
        if not world.faults.remove(fault_id):
            return {"error": "no such fault"}, 404
        return "", 204


def _call_doors(doors: Blueprint, world: "World") -> None:
    @doors.get("/calls")
    def calls() -> ResponseReturnValue:
        args = request.args
        return world.calls.summary(
            last=args.get("last", 100, type=int),
            system=args.get("system"),
            method=args.get("method"),
            path=args.get("path"),
        )

    @doors.delete("/calls")
    def forget_calls() -> ResponseReturnValue:
        world.calls.clear()
        return "", 204


def _write_doors(doors: Blueprint, world: "World") -> None:
    @doors.post("/writes")
    def follow_writes() -> ResponseReturnValue:
        try:
            world.writes.follow(request.get_json()["mark"])
        except (KeyError, TypeError, re.error):
            return {"error": "say `mark`: a pattern with one group, sought in each address"}, 400
        return "", 204

    @doors.post("/flag-writes")
    def follow_flag_writes() -> ResponseReturnValue:
        world.flag_writes.follow()
        return "", 204

    @doors.get("/flag-writes")
    def flag_writes() -> ResponseReturnValue:
        return world.flag_writes.listed()

    @doors.get("/writes")
    def writes() -> ResponseReturnValue:
        return world.writes.listed()


def _record_doors(doors: Blueprint, world: "World") -> None:
    @doors.delete("/smaregi/tokens")
    def revoke_tokens() -> ResponseReturnValue:
        world.smaregi.revoke_tokens()
        return "", 204

    @doors.patch("/smaregi/members/<code>")
    def at_the_till(code: str) -> ResponseReturnValue:
        """What a person at the till changes of whoever has this number or code."""
        members = world.smaregi.members
        found = [m.number for m in members.all() if code in (m.fields.get("customerNo"), m.fields.get("customerCode"))]
        try:
            return {"members": [members.update(number, request.get_json(), till=True).shown() for number in found]}
        except Problem as refused:
            return refused.body(), refused.status

    @doors.get("/records")
    def records() -> ResponseReturnValue:
        return world.records()

    @doors.get("/mails")
    def mails() -> ResponseReturnValue:
        return [mail.shown() for mail in world.mail.all(request.args.get("to"))]

    @doors.delete("/limits")
    def lift_limits() -> ResponseReturnValue:
        world.lift_limits()
        return "", 204

    @doors.post("/reset")
    def reset() -> ResponseReturnValue:
        world.reset()
        return "", 204

    @doors.post("/seed")
    def seed() -> ResponseReturnValue:
        asked = request.get_json()
        try:
            return {
                "members": [world.smaregi.seed(member) for member in asked.get("members", [])],
                "contacts": [world.hubspot.seed(contact) for contact in asked.get("contacts", [])],
            }, 201
        except (Problem, Refused) as refused:
            return {"error": refused.body()}, 400
