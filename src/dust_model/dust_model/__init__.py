"""The model library of DUST: PyTorch, no ROS.

Import direction: records, config, robot <- statistics, schedule, modules <- backbone, head
<- sampler, policy <- checkpoint <- init. Nothing here imports a node or a message.
"""
