"""Orders that buyers place and pay at Meta: found, handed to StormCom once each, and acknowledged at Meta."""
