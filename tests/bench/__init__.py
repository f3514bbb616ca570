"""`make bench`: what the connector costs, as ratios to bare frameworks and to Meta's own SDK, measured side by side in one run.

Figures of one machine promise nothing about another; a ratio of two things measured in turns under the same load does.
"""
