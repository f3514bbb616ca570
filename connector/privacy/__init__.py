"""Personal data: where it is, how long it stays, and how it goes – by age, by a caller's wish, by Meta's."""
