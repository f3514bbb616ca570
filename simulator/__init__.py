"""A Graph API in memory, good enough that Meta's own SDK cannot tell: for tests, the demo and app-review videos.

It promises Meta's shapes, codes and limits as documented, over real HTTP, with its own clock and a control API.
It refuses to persist anything, and it imports nothing of the connector.
"""
