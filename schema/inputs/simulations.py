"""Inputs about simulations of routing."""

from datetime import datetime

import strawberry

from schema.inputs import given, key, optional
from schema.inputs.routing import RoutingRulesetInput


@strawberry.input(description="Which past orders: those of the rules' channel that were placed in a span of time.")
class RoutingSimulationOrdersInput:
    """A span of time."""

    placed_from: datetime = given("The first moment.")
    placed_to: datetime = given("The moment before which they were placed.")
    channel: str | None = optional("The code of the rules' channel, said once more; any other is refused.")


@strawberry.input(description="Past orders, and the rules to try on them.")
class RoutingSimulationInput:
    """What if."""

    orders: RoutingSimulationOrdersInput = given("The orders.")
    ruleset: RoutingRulesetInput = given("The rules. They are tried alike whatever their mode, and kept nowhere.")


@strawberry.input(description="Past orders, and the rules to try on them: more than a query takes.")
class RoutingSimulationStartInput:
    """What if, as a job."""

    idempotency_key: str = key()
    orders: RoutingSimulationOrdersInput = given("The orders: at most 1,000,000.")
    ruleset: RoutingRulesetInput = given("The rules. They are tried alike whatever their mode, and kept with the job.")
