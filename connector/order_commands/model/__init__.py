"""What a command is, what may be asked for, what money may go back, and what Meta's refusals mean. Pure."""
