"""Where the web application keeps its world."""

from aiohttp import web

from simulator.world import World

WORLD = web.AppKey("world", World)
