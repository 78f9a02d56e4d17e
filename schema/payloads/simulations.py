"""Payloads about simulations of routing."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import errors, one_made
from schema.simulations import RoutingSimulationJob


@strawberry.type(description="The simulation that a worker does.")
class RoutingSimulationStartPayload:
    """What routingSimulationStart answers."""

    job: RoutingSimulationJob | None = one_made("job", "The job; null when it was refused.")
    user_errors: list[UserError] = errors()
