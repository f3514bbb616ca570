"""What a checkout link says, what can be had of it, and how one is written."""
