"""What buyers, Meta and commands do to orders that StormCom has: cancellations, refunds and returns, each told once."""
