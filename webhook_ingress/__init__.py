"""The HTTP door: Meta's webhooks and the merchant's way back from Meta's login dialog. It never loads gRPC."""
