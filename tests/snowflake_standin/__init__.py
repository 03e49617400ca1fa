"""A stand-in for Snowflake: its HTTP protocol on loopback, its roles, objects and grants in memory."""
