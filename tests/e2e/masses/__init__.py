"""Orders and commands by the thousand, through real processes, while Meta's answers get lost."""
