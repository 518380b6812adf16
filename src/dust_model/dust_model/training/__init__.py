"""Training (Algorithm 1, Equations 3 and 4): batches in, checkpoints out.

Import direction: seeds <- noise <- losses <- learner; optim, ema, files <- state <- run_folder;
config <- features, report, card; all of them <- trainer <- dust_model.train (the command).
Nothing random is kept between steps: every number is drawn from (seed, step, sample), so a run that
was killed goes on exactly, and two processes draw what one would.
"""
