"""The storm: Meta's webhooks by the thousand while everything dies and comes back, and the reckoning afterwards."""
