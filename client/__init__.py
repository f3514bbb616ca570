"""The other side of the contract: what a StormCom engineer runs.

Reads catalogues, calls the connector over gRPC, shows what came of it. Imports nothing of the connector but the generated
code, so it proves that the contract is enough.
"""
