"""Orders of StormCom's that came from Facebook, Instagram or a conversation, and the carts people send in conversations."""
