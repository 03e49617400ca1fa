"""How libpq connects: one JSON list of connection texts on stdin, one of outcomes on stdout:
`TLS`, `plain` or `refused`."""
import json
import sys

import psycopg2


def outcome(text):
    try:
        connection = psycopg2.connect(text)
    except psycopg2.Error:
        return "refused"
    with connection.cursor() as cursor:
        cursor.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        return "TLS" if cursor.fetchone()[0] else "plain"


json.dump([outcome(text) for text in json.load(sys.stdin)], sys.stdout)
