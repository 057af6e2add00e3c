"""From one case to a study: cohort runs, simulation, validation and learning.

Read :mod:`.run` first: a file of cases goes in, a file of posteriors comes out, and a run
that was killed goes on where it stopped.
"""
