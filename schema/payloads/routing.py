"""Payloads about routing: what carriers charge, and a channel's rules."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import all_made, errors, one_made
from schema.routing import CarrierRate, RoutingRuleset


@strawberry.type(description="The carrier's table as it is now.")
class CarrierRatesSetPayload:
    """What carrierRatesSet answers."""

    rates: list[CarrierRate] = all_made("rates", "Its rates in that currency; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The rules that hold from now on.")
class RoutingRulesetActivatePayload:
    """What routingRulesetActivate answers."""

    ruleset: RoutingRuleset | None = one_made("ruleset", "The new version; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The rules that hold no longer.")
class RoutingRulesetRetirePayload:
    """What routingRulesetRetire answers."""

    ruleset: RoutingRuleset | None = one_made("ruleset", "The ruleset; null when it was refused.")
    user_errors: list[UserError] = errors()
