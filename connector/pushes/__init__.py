"""Posts a store's events to an address of StormCom's: signed, in order per key, until each is acknowledged; and tells who does not take them."""
