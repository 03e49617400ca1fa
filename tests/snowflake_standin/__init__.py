"""A stand-in for Snowflake: its HTTP protocol on loopback; roles, objects, grants in memory."""
