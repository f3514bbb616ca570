"""The connection doctor: looks at everything a connection needs, and says what is wrong, who mends it, and with which button."""
