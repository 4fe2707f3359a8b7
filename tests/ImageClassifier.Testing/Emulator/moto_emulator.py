"""Starts moto on a free port of loopback, says the port in one line, and ends when its standard input ends, so that it
never outlives whoever started it. Its own command line would not."""

import logging
import os
import sys

from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend
from moto.server import ThreadedMotoServer

# It would write a line for each request.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

complete_multipart_upload = S3Backend.complete_multipart_upload


def complete_upload_that_is_there(self, bucket_name, multipart_id, body):
    """S3 says that there is no such upload. moto by itself breaks."""
    if multipart_id not in self.get_bucket(bucket_name).multiparts:
        raise NoSuchUpload(upload_id=multipart_id)
    return complete_multipart_upload(self, bucket_name, multipart_id, body)


S3Backend.complete_multipart_upload = complete_upload_that_is_there

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)

sys.stdin.read()
# Without waiting for open requests.
os._exit(0)
