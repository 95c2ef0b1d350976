"""
The end of a connection, below HTTP.
"""

import os
import socket
import struct

ABORTING = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""SO_LINGER switched on, for no time at all: closing throws away what is unsent and resets."""


def reset(connection: socket.socket) -> None:
    """
    Close a connection so that the other side sees a reset instead of an end.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTING)
    connection.close()


def has_left(connection: socket.socket) -> bool:
    """
    Tell whether the other side has closed or reset the connection; what it still sends stays unread.
    """
    connection.settimeout(0)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
