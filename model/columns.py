"""Names of the canonical columns, spelled once. What they mean is in model/schema.py."""

USER = "user_id"
ITEM = "item_id"
TIME = "event_time"
BASKET = "basket_id"
EVENT_TYPE = "event_type"
QUANTITY = "quantity"
PRICE = "price"
STORE = "store_id"

START = "start"
END = "end"
KIND = "kind"

PURCHASE = "purchase"
"""The event type that counts as a positive."""
RETURN = "return"
"""The event type that takes a purchase back."""
