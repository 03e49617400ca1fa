"""python -m snowflake_standin [--port N] [--ready-file F]: runs until its stdin is closed."""

import argparse
import os
import sys
import threading

from .server import Server
from .service import Service


def main():
    arguments = argparse.ArgumentParser(prog="snowflake_standin", description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument(
        "--ready-file", help="the port is written here once connections are taken"
    )
    arguments.add_argument("--account", default="STANDIN")
    arguments.add_argument("--user", default="ADMIN", help="an administrator")
    arguments.add_argument("--password", default="standin")
    arguments.add_argument("--cert", help="PEM file: speak https")
    arguments.add_argument("--key")
    arguments.add_argument("--stay", action="store_true", help="do not end when stdin is closed")
    given = arguments.parse_args()
    sys.setswitchinterval(0.0005)
    service = Service(given.account, given.user, given.password)
    server = Server(service, given.port, given.cert, given.key)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if given.ready_file:
        with open(given.ready_file + ".part", "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.replace(given.ready_file + ".part", given.ready_file)
    print(port, flush=True)
    try:
        if given.stay:
            threading.Event().wait()
        while sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
