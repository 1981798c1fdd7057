"""The protocol, pure: bytes and ``now`` in, bytes and events out.

Nothing here knows sockets, threads, loops or the clock. Layers, lowest first:

==================  =========================================================================================
sequence            packet numbers: restored from 16 bits, and which ones have been received
record              the numbers of a connection that every tick touches, in one flat object
wire                how every byte lies in a datagram; encode beside decode
timing              round-trip time, jitter, loss, rates
meter               the statistics of a connection
budget              a token bucket of bytes per second
acks                what was sent when, in which packet, and which packets have arrived
skips               numbers that are left out, against peers that acknowledge what they have not received
fragments           large messages in pieces, and back, within fixed bounds
acknowledged        the type of an event whose sender learns that it has arrived
channels            unreliable, retried and reliable messages
snapshots           the server's states, and which state to send to a client
snapshot_receiver   the client's states, and which one it acknowledges
event_gate          events wait at the client for the state that belongs before them
inputs              a player's inputs at the client, and on the wire
loss_meter          how many datagrams get lost in a row, measured by those that come
server_clock        the server's time, as the client knows it
input_schedule      the numbers by which the server gives each input its tick
input_buffer        a player's inputs at the server
sleep               notices that this process itself has slept
handshake           stateless challenge; the client's way to a connection
admission           how often a host may try, and who gives way when all places are taken
tickets             numbers for events whose arrival somebody wants to know
peer_events         what a connection reports to the layer above
peer                what both ends of a connection share
client_sides        the inputs and the states of a client
client_peer         the client's end: ClientProtocol
server_peer         the server's end of one connection: ServerProtocol
entrance            who is let into a server, and who is refused
held                how much of what peers have sent is held back
endpoint            one socket, many peers: ServerEndpoint
==================  =========================================================================================
"""
