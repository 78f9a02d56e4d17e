"""Payloads about supply: buying, moving, receiving, counting."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import all_made, errors, fills_made, one_made
from schema.shortfalls import StockShortfall
from schema.supply import BackorderFill, PurchaseOrder, StockCount, Supplier, Transfer


@strawberry.type(description="The supplier as it is now.")
class SupplierSetPayload:
    """What supplierSet answers."""

    supplier: Supplier | None = one_made("supplier", "The supplier; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order that was written.")
class PurchaseOrderCreatePayload:
    """What purchaseOrderCreate answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now.")
class PurchaseOrderOrderPayload:
    """What purchaseOrderOrder answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now.")
class PurchaseOrderReschedulePayload:
    """What purchaseOrderReschedule answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now.")
class PurchaseOrderCancelPayload:
    """What purchaseOrderCancel answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now, and who had waited for what arrived.")
class PurchaseOrderReceivePayload:
    """What purchaseOrderReceive answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    backorders_filled: list[BackorderFill] | None = fills_made()
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer that was planned.")
class TransferCreatePayload:
    """What transferCreate answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now.")
class TransferShipPayload:
    """What transferShip answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now.")
class TransferReschedulePayload:
    """What transferReschedule answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now, and who had waited for what arrived.")
class TransferReceivePayload:
    """What transferReceive answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    backorders_filled: list[BackorderFill] | None = fills_made()
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now.")
class TransferCancelPayload:
    """What transferCancel answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count that was begun.")
class StockCountStartPayload:
    """What stockCountStart answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count as it is now.")
class StockCountRecordPayload:
    """What stockCountRecord answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count as it is now, and what follows from what was found.")
class StockCountCompletePayload:
    """What stockCountComplete answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    shortfalls: list[StockShortfall] | None = all_made(
        "shortfalls", "Promises that the count does not leave the units for, and who keeps them instead; at most 100."
    )
    backorders_filled: list[BackorderFill] | None = fills_made()
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count as it is now.")
class StockCountCancelPayload:
    """What stockCountCancel answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    user_errors: list[UserError] = errors()
