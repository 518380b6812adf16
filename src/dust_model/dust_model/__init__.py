"""The model library of DUST: PyTorch, no ROS.

Import direction: records, config, robot <- statistics, schedule, modules <- backbone, head, single
<- variants, levels, fields <- sampler, policy <- checkpoint, nvidia <- init; data <- training
<- train. Nothing here imports a node or a message.
"""
