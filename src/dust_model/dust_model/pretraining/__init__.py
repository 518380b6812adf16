"""Grounding pre-training of a small vision-language model on labelled pictures.

Import direction: words, colours, folder <- crops <- targets <- source; packing, tower <- answers,
guide <- learner <- metrics <- trainer <- assembly <- pretrain (the command). Nothing here knows who
made the pictures: `folder` says what a folder of them holds.
"""
