"""Whether Meta answers in the Graph version that we speak."""
