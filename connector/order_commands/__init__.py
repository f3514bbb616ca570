"""Tells Meta what StormCom does with its orders: each wish once, whatever is lost on the way."""
