"""Links StormCom stores to Facebook and Instagram through Meta's Graph API."""
