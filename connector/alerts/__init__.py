"""What needs a person: open until it is over, told to StormCom at both moments."""
