"""The catalog: products as StormCom wants them become items at Meta."""
