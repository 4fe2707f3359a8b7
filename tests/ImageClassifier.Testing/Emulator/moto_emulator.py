"""Starts moto on a free port of loopback, says the port in one line, and ends when its standard input ends, so that it
never outlives whoever started it. Its own command line would not."""

import logging
import os
import sys

from moto.server import ThreadedMotoServer

# It would write a line for each request.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)

sys.stdin.read()
# Without waiting for requests that are under way.
os._exit(0)
