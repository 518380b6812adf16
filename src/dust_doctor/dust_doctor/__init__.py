"""The preflight `dust-doctor`.

Import direction: finding, wishes, system, evidence <- checks <- registry, listener <- doctor. The
checks know neither ROS nor torch: they judge evidence that was gathered before.
"""
