"""Publishers and subscriptions that do not listen to events of the middleware.

rclpy makes two listeners for each endpoint, for a QoS and for a type that do not fit, and asks all
of them at each wake-up, which is a good part of what waiting costs. The other side of a pair that
does not fit warns of it too.
"""

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks

QUIET_PUBLISHER = PublisherEventCallbacks(use_default_callbacks=False)
"""For `create_publisher(..., event_callbacks=...)`."""

QUIET_SUBSCRIPTION = SubscriptionEventCallbacks(use_default_callbacks=False)
"""For `create_subscription(..., event_callbacks=...)`."""
