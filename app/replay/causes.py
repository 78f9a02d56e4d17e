"""What recordings hold that cannot be told as it stands, by cause. Every order it concerns is counted, none skipped."""

from domain.words import Word


class Cause(Word):
    """One oddity of the recordings, and what the replay makes of it."""

    NO_ITEMS = "NO_ITEMS", "nothing was bought: an order without items cannot be placed"
    NO_PAYMENTS = "NO_PAYMENTS", "no payment is on record"
    PAID_ONE_CENT_OFF = "PAID_ONE_CENT_OFF", "the payments differ from items and freight by one cent"
    PAID_CENTS_OFF = "PAID_CENTS_OFF", "the payments differ from items and freight by 2 to 10 cents"
    PAID_UP_TO_ONE_OFF = "PAID_UP_TO_ONE_OFF", "the payments differ from items and freight by 0.11 to 1.00"
    PAID_MORE_OFF = "PAID_MORE_OFF", "the payments differ from items and freight by more than 1.00"
    PAYMENT_OF_NOTHING = "PAYMENT_OF_NOTHING", "a payment of 0.00 moved no money: left out"
    PAYMENT_NOT_APPROVED = "PAYMENT_NOT_APPROVED", "payments of an order that nobody approved were not taken: left out"
    NEVER_APPROVED = "NEVER_APPROVED", "went on without approval: told as confirmed when it was placed"
    APPROVED_BEFORE_PLACED = "APPROVED_BEFORE_PLACED", "approved before it was placed"
    HANDED_OVER_BEFORE_PLACED = "HANDED_OVER_BEFORE_PLACED", "handed to the carrier before it was placed"
    HANDED_OVER_BEFORE_APPROVED = "HANDED_OVER_BEFORE_APPROVED", "handed to the carrier before it was approved"
    DELIVERED_BEFORE_PLACED = "DELIVERED_BEFORE_PLACED", "delivered before it was placed"
    DELIVERED_BEFORE_APPROVED = "DELIVERED_BEFORE_APPROVED", "delivered before it was approved"
    DELIVERED_BEFORE_HANDED_OVER = "DELIVERED_BEFORE_HANDED_OVER", "delivered before the carrier had it"
    HANDED_OVER_UNDATED = "HANDED_OVER_UNDATED", "handed to the carrier nobody knows when: told with the moment before"
    DELIVERED_UNDATED = "DELIVERED_UNDATED", "delivered nobody knows when: told with the moment before"
    CANCELED_UNDATED = "CANCELED_UNDATED", "called off nobody knows when: told with the last moment known"
    MOMENT_BEYOND_STATUS = "MOMENT_BEYOND_STATUS", "a moment is on record that its status knows nothing of: left out"
    CANCELED_AFTER_HAND_OVER = (
        "CANCELED_AFTER_HAND_OVER",
        "canceled when the carrier had it: nothing was left to call off, it stays in fulfillment",
    )
    CANCELED_AFTER_DELIVERY = (
        "CANCELED_AFTER_DELIVERY",
        "canceled when it was delivered: nothing was left to call off, it stays completed",
    )
