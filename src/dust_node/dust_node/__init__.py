"""What all DUST nodes share: lifecycle, parameters, diagnostics, worker thread, tensors.

Imports run one way: dust_msgs <- dust_node <- the nodes. No module here knows cameras, models
or arms.
"""
