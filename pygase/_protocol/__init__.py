"""The protocol, pure: bytes and ``now`` in, bytes and events out.

Nothing here knows sockets, threads, loops or the clock. Layers, lowest first:

=============  ==============================================================================================
sequence       packet numbers: unwrapping 16-bit numbers, which ones have been received
wire           how every byte lies in a datagram; encode beside decode
timing         round-trip time, jitter, loss, rates
budget         a token bucket of bytes per second
acks           what was sent in which packet, and what became of it
fragments      large messages in pieces, and back, within fixed bounds
channels       unreliable, retried and reliable messages
snapshots      which state a client has, and what to send it next
handshake      stateless challenge; the client's way to a connection
peer           what both ends of a connection share
client_peer    the client's end: ClientProtocol
server_peer    the server's end of one connection: ServerProtocol
endpoint       one socket, many peers: ServerEndpoint
=============  ==============================================================================================
"""
