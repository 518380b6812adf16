"""Demonstrations in, batches out: the same normalisation and preprocessing as in inference.

Import direction: sample, modality, faults <- window, augment, layout, video <- recording, collate
<- lerobot, memory <- shuffle, measure <- loader, stats. Only layout, video and what reads through
them need pyarrow and av; Sample, Collator, MemoryDataset and Loader do not.
"""
