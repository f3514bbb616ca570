"""The demo: a scripted walk over the whole API against the simulator, in which every step states what must hold."""
