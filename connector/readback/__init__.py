"""Items read back from Meta: what it shows is compared with what it confirmed, and mended where it differs."""
