"""A page that shows recorded data and what is wrong with them.

episode, finding <- streams, bags, datasets            reading
episode, finding <- motion, likeness, balance, timing, looks <- checks
film, plots, markup <- page <- inspect                 showing
"""
