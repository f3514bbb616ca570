"""What the application carries along."""

from aiohttp import web

from connector.runtime import Runtime

RUNTIME = web.AppKey("runtime", Runtime)
